// The YAML editor: CodeMirror 6 behind five functions, so that the page needs nothing else of it.
// `npm run bundle` makes codemirror.js from this file; the page loads that when the editor's pane opens.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState } from "@codemirror/state";
import {
  drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers, highlightSpecialChars,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], class: "tok-key" },
  { tag: [tags.string, tags.special(tags.string)], class: "tok-string" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], class: "tok-value" },
  { tag: tags.comment, class: "tok-comment" },
  { tag: [tags.separator, tags.punctuation, tags.meta], class: "tok-mark" },
]);

/** A line and a column (both from 1, columns in code points) as an offset of the document. */
function offset(doc, line, column) {
  const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
  const units = [...at.text].slice(0, Math.max(column - 1, 0)).join("").length;
  return at.from + units;
}

/**
 * Puts an editor into `parent`. Styles go into the shadow root that `parent` must be in, so that a strict
 * style-src needs no exception.
 */
function create(parent, { doc, label, onChange, onApply }) {
  const describe = new Compartment();
  const attributes = (text) => EditorView.contentAttributes.of({ "aria-label": text, spellcheck: "false", autocapitalize: "off" });
  const view = new EditorView({
    parent,
    root: parent.getRootNode(),
    state: EditorState.create({
      doc,
      extensions: [
        keymap.of([
          { key: "Mod-Enter", run: (v) => (v.composing ? false : (onApply(), true)), preventDefault: true },
        ]),
        lineNumbers(), highlightActiveLineGutter(), highlightSpecialChars(), history(), foldGutter(), drawSelection(),
        indentOnInput(), bracketMatching(), closeBrackets(), autocompletion(), highlightActiveLine(), highlightSelectionMatches(),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, ...lintKeymap]),
        yaml(), syntaxHighlighting(colours), lintGutter(), describe.of(attributes(label)),
        EditorView.updateListener.of((u) => u.docChanged && onChange(u.state.doc.toString())),
      ],
    }),
  });
  return {
    text: () => view.state.doc.toString(),
    setText: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    setLabel: (text) => view.dispatch({ effects: describe.reconfigure(attributes(text)) }),
    /** `problems`: [{line, column, endColumn, severity, message}] */
    setProblems: (problems) => {
      const doc = view.state.doc;
      const found = problems.map((p) => {
        const from = offset(doc, p.line, p.column);
        const end = doc.lineAt(from).to;
        return { from, to: Math.max(Math.min(p.endColumn ? offset(doc, p.line, p.endColumn) : end, end), from), severity: p.severity, message: p.message };
      });
      view.dispatch(setDiagnostics(view.state, found));
    },
    goTo: (line, column) => {
      const at = offset(view.state.doc, line, column);
      view.dispatch({ selection: { anchor: at }, scrollIntoView: true });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}

globalThis.nodewrightEditor = { create };
