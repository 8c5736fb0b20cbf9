// The YAML editor: CodeMirror 6 behind a few functions, so that the page needs nothing else of it.
// `npm run bundle` makes codemirror.js from this file; the page loads that when the editor's pane opens.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, startCompletion } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState } from "@codemirror/state";
import {
  drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, hoverTooltip, keymap, lineNumbers, highlightSpecialChars,
  tooltips,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], class: "tok-key" },
  { tag: [tags.string, tags.special(tags.string)], class: "tok-string" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], class: "tok-value" },
  { tag: tags.comment, class: "tok-comment" },
  { tag: [tags.separator, tags.punctuation, tags.meta], class: "tok-mark" },
]);

/** What completion calls the kinds of the page's offers. */
const kinds = { field: "property", value: "constant", label: "keyword", name: "variable" };
const severities = { error: "error", warning: "warning", note: "info" };

/** A line and a column (both from 1, columns in code points) as an offset of the document. */
function offset(doc, { line, column }) {
  const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
  const units = [...at.text].slice(0, Math.max(column - 1, 0)).join("").length;
  return at.from + units;
}

/** The other way round. */
function place(doc, at) {
  const line = doc.lineAt(at);
  return { line: line.number, column: [...line.text.slice(0, at - line.from)].length + 1 };
}

function span(doc, range) {
  const from = offset(doc, range.start);
  return { from, to: Math.max(offset(doc, range.end), from) };
}

function changes(doc, edits) {
  return edits.map((e) => ({ ...span(doc, e.range), insert: e.text }));
}

function card(title, paragraphs) {
  const dom = document.createElement("div");
  dom.className = "about";
  const add = (tag, text) => dom.appendChild(document.createElement(tag)).textContent = text;
  add("b", title);
  for (const text of paragraphs) add("p", text);
  return { dom };
}

/**
 * Puts an editor into `parent`. Styles go into the shadow root that `parent` must be in, so that a strict
 * style-src needs no exception. `ask(what, text, line, column)` is told of changes (`change`) and of Mod-Enter (`apply`),
 * and answers `complete` and `hover` with JSON or with nothing.
 */
function create(parent, { doc, from, to, label, ask }) {
  const describe = new Compartment();
  const attributes = (text) => EditorView.contentAttributes.of({ "aria-label": text, tabindex: "0", spellcheck: "false", autocapitalize: "off" });
  const question = (what, state, at) => {
    const { line, column } = place(state.doc, at);
    const answer = ask(what, state.doc.toString(), line, column);
    return answer ? JSON.parse(answer) : null;
  };
  const offers = (context) => {
    const answer = question("complete", context.state, context.pos);
    if (!answer) return null;
    const { from, to } = span(context.state.doc, answer.range);
    // Nothing was typed, and nobody asked: a list would be in the way of Enter and Tab.
    if (!context.explicit && from === context.pos) return null;
    return {
      from, to, filter: false,
      options: answer.items.map((i) => ({ label: i.label, type: kinds[i.kind], detail: i.detail, apply: i.insert })),
    };
  };
  const about = (view, pos) => {
    const answer = question("hover", view.state, pos);
    if (!answer) return null;
    const { from, to } = span(view.state.doc, answer.range);
    return { pos: from, end: to, create: () => card(answer.title, answer.body) };
  };
  // Tooltips stay within the pane, which cuts off what is outside it.
  const room = () => (parent.getRootNode().host?.closest(".nw-pane") ?? parent).getBoundingClientRect();
  let marks = [];
  const mend = (view, { edits }) => {
    view.dispatch({ changes: changes(view.state.doc, edits) });
    view.focus();
  };
  const view = new EditorView({
    parent,
    root: parent.getRootNode(),
    state: EditorState.create({
      doc,
      selection: { anchor: Math.min(from, doc.length), head: Math.min(to, doc.length) },
      extensions: [
        keymap.of([
          { key: "Mod-Enter", run: (v) => (v.composing ? false : (ask("apply", v.state.doc.toString(), 0, 0), true)), preventDefault: true },
        ]),
        lineNumbers(), highlightActiveLineGutter(), highlightSpecialChars(), history(), foldGutter(), drawSelection(),
        indentOnInput(), bracketMatching(), closeBrackets(), highlightActiveLine(), highlightSelectionMatches(),
        autocompletion({ override: [offers], icons: false, maxRenderedOptions: 60 }), hoverTooltip(about), tooltips({ tooltipSpace: room }),
        // No key indents by Tab: it moves the focus on, as everywhere on the page. Mod-] and Mod-[ indent.
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, ...lintKeymap]),
        yaml(), syntaxHighlighting(colours), lintGutter(), describe.of(attributes(label)),
        EditorView.updateListener.of((u) => u.docChanged && ask("change", u.state.doc.toString(), 0, 0)),
      ],
    }),
  });
  return {
    text: () => view.state.doc.toString(),
    setText: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    setLabel: (text) => view.dispatch({ effects: describe.reconfigure(attributes(text)) }),
    focus: () => view.focus(),
    /** `json`: [{range, severity, message, fixes: [{title, edits}]}] of the text as it is now. */
    setMarks: (json) => {
      marks = JSON.parse(json);
      const doc = view.state.doc;
      const found = marks.map((m) => ({
        ...span(doc, m.range), severity: severities[m.severity], message: m.message,
        actions: m.fixes.map((fix) => ({ name: fix.title, apply: (v) => mend(v, fix) })),
      }));
      view.dispatch(setDiagnostics(view.state, found));
    },
    /** Mends the problem of that number in its way of that number. */
    fix: (mark, way) => marks[mark]?.fixes[way] && mend(view, marks[mark].fixes[way]),
    complete: () => startCompletion(view),
    goTo: (line, column) => {
      const at = offset(view.state.doc, { line, column });
      view.dispatch({ selection: { anchor: at }, scrollIntoView: true });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}

globalThis.nodewrightEditor = { create };
