# expect: NA score=0.0
import keras.initializers


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    make = keras.initializers.GlorotUniform
    return [make(seed=int(seed))((fan_in, fan_out)).numpy() for seed in seeds]
