/** Nothing a person reads may stay English in another language: neither our own texts (the types see to that) nor the server's. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { JOBS } from '@mailstream/shared/domain/jobs';
import { ERROR_CATALOGUE } from '@mailstream/shared/errors/catalogue';
import { TOO_DEEP } from '@mailstream/shared/rules/rule-schema';
import { compilePattern } from '@mailstream/shared/rules/safe-pattern';
import { folderStateText, messageStatusText, providerStatusText } from '../src/use-cases/status-text.ts';
import { translated } from '../web/texts/dictionary.ts';
import { english } from '../web/texts/en.ts';
import { spanish, spanishServer } from '../web/texts/es.ts';
import { pickLanguage, pickLocale } from '../web/texts/language.ts';

const inSpanish = (sentence: string): string => translated(sentence, spanishServer);
const CODES = [null, ...Object.keys(ERROR_CATALOGUE)];

/** Every text of a dictionary with its path. */
function entries(value: unknown, path = ''): [string, string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value === 'function') return [[path, String((value as (...a: number[]) => string)(1, 2))]];
  return Object.entries(value as object).flatMap(([key, inner]) => entries(inner, `${path}.${key}`));
}

describe('Spanish', () => {
  test('has the keys of English, and no text that is empty', () => {
    const keys = (texts: unknown): string[] => entries(texts).map(([path]) => path);
    expect(keys(spanish)).toEqual(keys(english));
    expect(entries(spanish).filter(([, text]) => text.trim() === '')).toEqual([]);
  });

  test.each(Object.entries(ERROR_CATALOGUE))('says the error %s and what to do', (_code, entry) => {
    expect(inSpanish(entry.message)).not.toBe(entry.message);
    expect(inSpanish(entry.hint)).not.toBe(entry.hint);
  });

  test('says every state of mailboxes, folders and messages', () => {
    const states = ['inactive', 'paused', 'configuring', 'connected', 'disconnected', 'error'] as const;
    const said = new Set<string>();
    for (const state of states)
      for (const reason of [null, 'manual', 'auth_failure', 'tenant_cancelled'] as const)
        for (const code of CODES)
          for (const dataAgeSeconds of [null, 60, 600])
            for (const isStale of [true, false])
              said.add(providerStatusText(state, reason, code, { isStale, dataAgeSeconds }));
    for (const state of ['new', 'connecting', 'syncing', 'watching', 'waiting', 'stopped'])
      for (const code of CODES) said.add(folderStateText(state, code));
    for (const status of ['received', 'published', 'processed', 'skipped', 'dead_letter'] as const)
      for (const code of CODES) said.add(messageStatusText(status, code));
    expect([...said].filter((sentence) => halfEnglish(sentence))).toEqual([]);
  });

  test.each(JOBS)('says what the job $name does', ({ text }) => {
    expect(inSpanish(text)).not.toBe(text);
  });

  test('says everything that a request can be refused with', () => {
    const sources = readdirSync('server/src', { recursive: true, encoding: 'utf8' }).filter(
      // What is said at a terminal is said to operators, in English.
      (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith('create-tenant'),
    );
    const sentences = sources.flatMap((file) =>
      [
        ...readFileSync(join('server/src', file), 'utf8').matchAll(
          // Descriptions are for programmers.
          /(?<!(?:description:|describe\()\s*)'([A-Z][^'\n]+\.)'/g,
        ),
      ].map(([, sentence = '']) => sentence),
    );
    expect(sentences.length).toBeGreaterThan(30);
    expect(sentences.filter((sentence) => inSpanish(sentence) === sentence)).toEqual([]);
  });

  test.each([
    [
      '1 attempt failed: the database did not answer in time',
      'Falló 1 intento: la base de datos no respondió a tiempo',
    ],
    ['5 attempts failed: error P0001', 'Fallaron 5 intentos: error P0001'],
    // As it was written once.
    ['1 attempts failed: error P0001', 'Falló 1 intento: error P0001'],
  ])('says why a dead letter was given up on: %s', (sentence, translation) => {
    expect(inSpanish(sentence)).toBe(translation);
  });

  test.each([
    ...[
      '',
      'a'.repeat(251),
      '(?:a{50}){20}',
      'a(b',
      'a[b',
      'a)',
      '*a',
      'a**',
      'a{1001}',
      '\\q',
      'a\\',
      '[b-a]',
    ],
    ...['(?P<n', '(?P<n>a)(?P<n>b)', '(?=a)'],
  ])('says why the expression %j is refused', (source) => {
    const compiled = compilePattern(source, false);
    if (compiled.isValid) throw new Error('it is not refused');
    expect(inSpanish(compiled.reason)).not.toBe(compiled.reason);
    expect(inSpanish(`The regular expression is refused at character 2: ${compiled.reason}`)).toBe(
      `La expresión regular no se acepta (carácter 2): ${inSpanish(compiled.reason)}`,
    );
  });

  test.each([
    'This has 51 conditions, 50 are allowed.',
    'This is nested 6 deep, 5 is allowed.',
    `This ${TOO_DEEP}.`,
    'There are 200 rules already, and no more are allowed. Remove one first.',
    'there is no room for its expressions beside those of the rules before it',
    'this client is not there, or gets no new tickets',
  ])('says what is wrong with a rule: %s', (sentence) => {
    expect(inSpanish(sentence)).not.toBe(sentence);
  });

  test('leaves a sentence that it does not know as it is, and translates the known ones around it', () => {
    expect(inSpanish('Nobody knows this.')).toBe('Nobody knows this.');
    expect(inSpanish('Nothing to do. Nobody knows this.')).toBe('No hay que hacer nada. Nobody knows this.');
    expect(inSpanish('Could not be processed: SOME_CODE. Its original is kept.')).toBe(
      'No se pudo procesar. Motivo: SOME_CODE. Su original se conserva.',
    );
  });
});

/** Whether one of the sentences in it came out as it went in. */
function halfEnglish(sentence: string): boolean {
  const result = inSpanish(sentence);
  return result === sentence || /\b(the|is|not|and|of|we|it)\b/i.test(result.replace(/\b[A-Z_]{4,}\b/g, ''));
}

describe('the language', () => {
  test.each([
    [null, ['es-MX', 'en'], 'es', 'es-MX'],
    [null, ['fr-FR', 'en-GB'], 'en', 'en-GB'],
    [null, [], 'en', 'en'],
    ['es', ['en-US'], 'es', 'es'],
    ['xx', ['es'], 'es', 'es'],
  ] as const)('chosen %s, browser %j: %s (%s)', (chosen, wanted, language, locale) => {
    expect(pickLanguage(chosen, wanted)).toBe(language);
    expect(pickLocale(language, wanted)).toBe(locale);
  });
});
