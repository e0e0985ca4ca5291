/** The two editors of the room: Python code, and Markdown for answers in words. */

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab, toggleTabFocusMode } from "@codemirror/commands";
import { markdown } from "@codemirror/lang-markdown";
import { python } from "@codemirror/lang-python";
import {
  HighlightStyle,
  bracketMatching,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import {
  EditorView,
  crosshairCursor,
  drawSelection,
  dropCursor,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  placeholder,
  rectangularSelection,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

import type { Messages } from "./messages";

export interface EditorOptions {
  parent: HTMLElement;
  text: string;
  label: string;
  messages: Messages;
  onChange(text: string): void;
  onBlur(): void;
  /** Says that Tab now moves the focus, or indents again. */
  onTabMode(movesFocus: boolean): void;
}

/** What the room may do with an editor, whichever it is. */
export interface AnswerEditor {
  text(): string;
  replace(text: string): void;
  lock(): void;
  focus(): void;
}

const SEARCH_PHRASES = [
  "Find", "Replace", "next", "previous", "all", "match case", "regexp", "by word", "replace",
  "replace all", "close", "current match", "on line", "Go to line", "go",
];

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier, tags.self], color: "var(--syn-keyword)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--syn-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--syn-number)" },
  { tag: [tags.comment, tags.meta], color: "var(--syn-comment)", fontStyle: "italic" },
  { tag: [tags.function(tags.variableName), tags.function(tags.definition(tags.variableName))], color: "var(--syn-function)" },
  { tag: [tags.className, tags.definition(tags.className)], color: "var(--syn-type)" },
  { tag: [tags.heading, tags.strong], fontWeight: "700" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: [tags.link, tags.url], color: "var(--accent)", textDecoration: "underline" },
  { tag: tags.monospace, color: "var(--syn-string)" },
  { tag: tags.processingInstruction, color: "var(--syn-comment)" },
]);

export function codeEditor(options: EditorOptions): AnswerEditor {
  return mount(options, [
    python(),
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightActiveLine(),
    indentUnit.of("    "),
    EditorState.tabSize.of(4),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    autocompletion({ icons: false }),
    rectangularSelection(),
    crosshairCursor(),
    highlightSelectionMatches(),
    keymap.of([...closeBracketsKeymap, ...completionKeymap, indentWithTab]),
    EditorView.contentAttributes.of({ spellcheck: "false", autocorrect: "off", autocapitalize: "off" }),
  ]);
}

export function proseEditor(options: EditorOptions, hint: string): AnswerEditor {
  return mount(options, [
    markdown(),
    EditorView.lineWrapping,
    placeholder(hint),
    EditorView.contentAttributes.of({ spellcheck: "true" }),
  ]);
}

function mount(options: EditorOptions, extensions: Extension[]): AnswerEditor {
  const editable = new Compartment();
  let movesFocus = false;
  const view = new EditorView({
    parent: options.parent,
    doc: options.text,
    extensions: [
      EditorView.cspNonce.of(document.body.dataset["nonce"] ?? ""),
      editable.of([]),
      history(),
      drawSelection(),
      dropCursor(),
      highlightSpecialChars(),
      syntaxHighlighting(colours),
      EditorState.phrases.of(phrases(options.messages)),
      EditorView.contentAttributes.of({ "aria-label": options.label, tabindex: "0" }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) options.onChange(update.state.doc.toString());
      }),
      EditorView.domEventHandlers({ blur: () => options.onBlur() }),
      keymap.of([
        {
          key: "Ctrl-m",
          run: (target) => {
            movesFocus = !movesFocus;
            options.onTabMode(movesFocus);
            return toggleTabFocusMode(target);
          },
        },
      ]),
      ...extensions,
      keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap]),
    ],
  });
  return {
    text: () => view.state.doc.toString(),
    replace: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    lock: () => view.dispatch({ effects: editable.reconfigure([EditorState.readOnly.of(true), EditorView.editable.of(false)]) }),
    focus: () => view.focus(),
  };
}

function phrases(messages: Messages): Record<string, string> {
  return Object.fromEntries(SEARCH_PHRASES.map((phrase) => [phrase, messages(`search: ${phrase}`)]));
}
