/** Spanish: what the worker notes of an attempt that failed, by the English words. They are parts of sentences, so they begin small. */
export const esLettersServer: Readonly<Record<string, string>> = {
  'the database did not answer in time': 'la base de datos no respondió a tiempo',
  'the database connection ended': 'la conexión con la base de datos terminó',
  'the database connection ended each time': 'la conexión con la base de datos terminó cada vez',
  'attempts ended with their process': 'los intentos terminaron con su proceso',
  'the tenant has no such mailbox': 'la organización no tiene ese buzón',
  'This entry could not be read.': 'Esta entrada no se pudo leer.',
};
