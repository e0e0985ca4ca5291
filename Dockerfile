# The program's image, for web and worker alike. The sandbox has its own: sandbox/Dockerfile.

FROM node:20-slim AS pages
WORKDIR /build
COPY package.json package-lock.json tsconfig.json ./
RUN npm ci --no-audit --no-fund
COPY static static
RUN npm run build

FROM python:3.12-slim
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends \
        libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/*

ENV LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1
WORKDIR /srv/yimian
COPY requirements.lock ./
RUN python -m pip install --quiet --require-hashes -r requirements.lock

COPY pyproject.toml README.md LICENSE* ./
COPY app app
RUN python -m pip install --quiet --no-deps --no-build-isolation -e . \
    && pybabel --quiet compile --directory app/locale
COPY questions questions
COPY sandbox/seccomp.json sandbox/
COPY templates templates
COPY --from=pages /build/static/dist static/dist

RUN useradd --system --uid 10001 yimian
USER yimian
ENV YIMIAN_HOST=0.0.0.0
EXPOSE 8000
CMD ["yimian", "serve"]
