/** What every language must have: the keys of the English texts, with texts of the same form. */
import type { english } from './en.ts';

export type Texts = typeof english;

/** What the server says in English, as another language says it. */
export interface ServerTexts {
  /** Whole sentences, by the English one. */
  readonly sentences: Readonly<Record<string, string>>;
  /** Sentences with something in them. `groups` are those of the match; `say` translates one that is a sentence itself. */
  readonly patterns: readonly Pattern[];
}

type Pattern = readonly [RegExp, (groups: readonly string[], say: (sentence: string) => string) => string];

/** A sentence that is not known stays as the server said it; several in one text are translated one after the other. */
export function translated(text: string, server: ServerTexts): string {
  const whole = server.sentences[text];
  if (whole !== undefined) return whole;
  for (const [pattern, form] of server.patterns) {
    const match = pattern.exec(text);
    if (match !== null) return form(match.slice(1), (sentence) => translated(sentence, server));
  }
  const first = Object.keys(server.sentences)
    .filter((sentence) => text.startsWith(`${sentence} `))
    .sort((a, b) => b.length - a.length)[0];
  if (first === undefined) return text;
  return `${server.sentences[first] ?? first} ${translated(text.slice(first.length + 1), server)}`;
}
