/** The language that was chosen in this browser. */
import type { Language } from './texts/language.ts';

const STORED_AS = 'mailstream-language';

/** Storage can be switched off in a browser; then the choice lasts as long as the page. */
export function storedLanguage(): string | null {
  try {
    return localStorage.getItem(STORED_AS);
  } catch {
    return null;
  }
}

/** Keeps the choice and loads the page anew, so that every text is of one language. */
export function chooseLanguage(language: Language): void {
  try {
    localStorage.setItem(STORED_AS, language);
  } catch {
    return;
  }
  location.reload();
}
