/**
 * Every text of the UI in the language of whoever looks at it. Only that one is loaded. The dictionaries are in texts/; English is the
 * one that says which texts there are, and a dictionary that lacks one does not compile.
 */
import { storedLanguage } from './language-choice.ts';
import { translated, type ServerTexts, type Texts } from './texts/dictionary.ts';
import { pickLanguage, pickLocale, type Language } from './texts/language.ts';

export const language: Language = pickLanguage(storedLanguage(), navigator.languages);
/** For dates and numbers. */
export const locale: string = pickLocale(language, navigator.languages);

interface Dictionary {
  readonly texts: Texts;
  /** Null for English: the server speaks it. */
  readonly server: ServerTexts | null;
}

const LOAD: Record<Language, () => Promise<Dictionary>> = {
  en: async () => ({ texts: (await import('./texts/en.ts')).english, server: null }),
  es: async () => {
    const { spanish, spanishServer } = await import('./texts/es.ts');
    return { texts: spanish, server: spanishServer };
  },
};

const dictionary = await LOAD[language]();

export const texts: Texts = dictionary.texts;

/** What the server said, in this language. */
export function said(sentence: string): string {
  return dictionary.server === null ? sentence : translated(sentence, dictionary.server);
}
