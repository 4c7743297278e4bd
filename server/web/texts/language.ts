/** Which language the UI speaks: the one that was chosen here, else the first of the browser's that we have, else English. */
export const LANGUAGES = { en: 'English', es: 'Español' } as const;
export type Language = keyof typeof LANGUAGES;

const isLanguage = (code: string | null | undefined): code is Language =>
  code !== null && code !== undefined && Object.hasOwn(LANGUAGES, code);

/** @param wanted languages such as `es-MX`, the dearest first */
export function pickLanguage(chosen: string | null, wanted: readonly string[]): Language {
  if (isLanguage(chosen)) return chosen;
  return wanted.map((code) => code.split('-')[0]?.toLowerCase()).find(isLanguage) ?? 'en';
}

/** For dates and numbers: the browser's own form of the language, such as `en-GB`, where it has one. */
export function pickLocale(language: Language, wanted: readonly string[]): string {
  return wanted.find((code) => code.split('-')[0]?.toLowerCase() === language) ?? language;
}
