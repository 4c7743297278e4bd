/** Spanish: what the server says, by the English sentence. A test finds every sentence that is missing here. */
import type { ServerTexts } from './dictionary.ts';
import { esConnectServer } from './es-connect-server.ts';
import { esErrors } from './es-errors.ts';
import { esLettersServer } from './es-letters-server.ts';
import { esRulesServer } from './es-rules-server.ts';

const STATES: Readonly<Record<string, string>> = {
  'Paused. Mail waits in the mailbox and is fetched when you resume.':
    'En pausa. El correo espera en el buzón y se recoge al reanudar.',
  'Paused, because the mail server refused the login several times. Nothing is lost.':
    'En pausa, porque el servidor de correo rechazó el acceso varias veces. No se pierde nada.',
  'Paused, because the account was closed.': 'En pausa, porque la cuenta se cerró.',
  'Switched off. No mail is fetched.': 'Desactivado. No se recoge correo.',
  'Saved. The connection is being made.': 'Guardado. Se está estableciendo la conexión.',
  'Connected. New mail arrives by itself.': 'Conectado. El correo nuevo llega solo.',
  'Fetching waits.': 'La recogida espera.',
  'Not connected at the moment.': 'Sin conexión por el momento.',
  'We keep trying.': 'Lo seguimos intentando.',
  'Something is wrong with this mailbox.': 'Algo va mal con este buzón.',
  'Stale: it was never confirmed that all mail is here.':
    'Atrasado: nunca se confirmó que todo el correo esté aquí.',
  'Stale: for a minute nothing has confirmed that all mail is here.':
    'Atrasado: desde hace un minuto nada confirma que todo el correo esté aquí.',
  'Not looked at yet.': 'Aún no se ha mirado.',
  'Connecting.': 'Conectando.',
  'Fetching mail.': 'Recogiendo correo.',
  'Up to date; new mail is noticed at once.': 'Al día; el correo nuevo se nota al instante.',
  'Something went wrong.': 'Algo salió mal.',
  'We try again by ourselves.': 'Lo intentamos de nuevo solos.',
  'This folder needs attention.': 'Esta carpeta requiere atención.',
  'Fetched and stored; its event is about to be published.':
    'Recogido y guardado; su evento está a punto de publicarse.',
  'Its event is on the stream; the worker has not taken it yet.':
    'Su evento está en el flujo; el worker aún no lo ha tomado.',
  'Done: the worker has processed it.': 'Hecho: el worker lo ha procesado.',
  'Left out on purpose.': 'Omitido a propósito.',
  'Could not be processed.': 'No se pudo procesar.',
  'Its original is kept.': 'Su original se conserva.',
  'The mail names no sender, so nobody can be answered.':
    'El correo no nombra remitente, así que no se puede contestar a nadie.',
  'Whether the mail is really from this sender is not proven.':
    'No está probado que el correo sea realmente de este remitente.',
  'It seems to answer another ticket, but its sender may not write there. Merge it if it belongs there.':
    'Parece contestar a otro ticket, pero su remitente no puede escribir allí. Únalo si pertenece a él.',
  'The sender belongs to no client, and there is no default.':
    'El remitente no pertenece a ningún cliente y no hay uno predeterminado.',
  'A mail of ours could not be delivered.': 'Un correo nuestro no se pudo entregar.',
  'More messages came within an hour than the limit allows; they are recorded and get no answer.':
    'En una hora llegaron más mensajes de los que permite el límite; se registran y no reciben respuesta.',
  'The server name was found.': 'Se encontró el nombre del servidor.',
  'The server accepts connections.': 'El servidor acepta conexiones.',
  'The connection is encrypted, and the certificate is good.':
    'La conexión está cifrada y el certificado es bueno.',
  'The connection is encrypted; the certificate is not checked.':
    'La conexión está cifrada; el certificado no se comprueba.',
  'Not encrypted; an operator allows that for this address.':
    'Sin cifrar; un operador lo permite para esta dirección.',
  'The server greets, and the connection is as safe as asked for.':
    'El servidor saluda y la conexión es tan segura como se pidió.',
  'The login works.': 'El acceso funciona.',
  'The folders are there.': 'Las carpetas están ahí.',
  'Removes what is not needed any more: expired sessions and reply tokens, old runs of jobs, the text of old sent mails, and the ledger of folders that the mail server has built anew.':
    'Elimina lo que ya no hace falta: sesiones y tokens de respuesta caducados, ejecuciones antiguas, el texto de correos enviados hace tiempo y el registro de carpetas que el servidor ha creado de nuevo.',
  'Asks for a comparison of every watched folder with the ledger.':
    'Pide comparar cada carpeta vigilada con el registro.',
  'Renews OAuth tokens that end soon, and marks mailboxes whose permission has ended.':
    'Renueva los tokens de OAuth que terminan pronto y marca los buzones cuyo permiso ha terminado.',
  'Removes raw mails and attachments that no message and no ticket refers to any more: set aside after a day, gone after another.':
    'Elimina correos originales y adjuntos a los que ya no se refiere ningún mensaje ni ticket: se apartan al cabo de un día y desaparecen al siguiente.',
  'Not tried.': 'No se probó.',
  'Not tried: a refresh token may be good for one use only, which is not spent on a test.':
    'No se probó: un token de actualización puede valer para un solo uso, que no se gasta en una prueba.',
  'This did not work.': 'Esto no funcionó.',
};

export const spanishServer: ServerTexts = {
  sentences: { ...esErrors, ...esConnectServer, ...esLettersServer, ...esRulesServer, ...STATES },
  patterns: [
    [
      /^Stale: for (\d+) minutes nothing has confirmed that all mail is here\. We keep trying\.$/,
      ([minutes = '']) =>
        `Atrasado: desde hace ${minutes} minutos nada confirma que todo el correo esté aquí. Lo seguimos intentando.`,
    ],
    [
      /^Left out on purpose: (.+)\.$/,
      ([reason = ''], say) => `Omitido a propósito. Motivo: ${withoutStop(say, reason)}.`,
    ],
    [
      /^Could not be processed: (.+)\. Its original is kept\.$/,
      ([reason = ''], say) =>
        `No se pudo procesar. Motivo: ${withoutStop(say, reason)}. Su original se conserva.`,
    ],
    [
      /^Discarded(?:: (.+))?\.$/,
      ([reason]) => (reason === undefined ? 'Descartado.' : `Descartado: ${reason}.`),
    ],
    [
      /^(\d+) attempts? failed: (.+)$/s,
      ([count = '', reason = ''], say) =>
        `${count === '1' ? 'Falló 1 intento' : `Fallaron ${count} intentos`}: ${say(reason)}`,
    ],
    [
      /^The regular expression is refused(?: at character (\d+))?: (.+)$/s,
      ([at, reason = ''], say) =>
        `La expresión regular no se acepta${at === undefined ? '' : ` (carácter ${at})`}: ${say(reason)}`,
    ],
    [/^is longer than (\d+) characters$/, ([count = '']) => `tiene más de ${count} caracteres`],
    [
      /^This has (\d+) conditions, (\d+) are allowed\.$/,
      ([count = '', most = '']) => `Tiene ${count} condiciones; se permiten ${most}.`,
    ],
    [
      /^This is nested (\d+) deep, (\d+) is allowed\.$/,
      ([depth = '', most = '']) => `Tiene ${depth} niveles; se permiten ${most}.`,
    ],
    [
      /^There are (\d+) rules already, and no more are allowed\. Remove one first\.$/,
      ([count = '']) => `Ya hay ${count} reglas y no se permiten más. Elimine una primero.`,
    ],
    [/^Allowed: (.+)\.$/, ([values = '']) => `Permitido: ${values}.`],
    [/^At least (\d+) characters\.$/, ([count = '']) => `Al menos ${count} caracteres.`],
    [/^At most (\d+) characters\.$/, ([count = '']) => `Como máximo ${count} caracteres.`],
    [/^At most (\d+) entries\.$/, ([count = '']) => `Como máximo ${count} entradas.`],
    [/^The smallest value is (-?[\d.]+)\.$/, ([value = '']) => `El valor mínimo es ${value}.`],
    [/^The largest value is (-?[\d.]+)\.$/, ([value = '']) => `El valor máximo es ${value}.`],
    [
      /^This belongs to the login with (a password|OAuth)\.$/,
      ([login = '']) => `Esto corresponde al acceso con ${login === 'OAuth' ? login : 'contraseña'}.`,
    ],
  ],
};

/** A reason is a sentence without its full stop, or a code. */
function withoutStop(say: (sentence: string) => string, reason: string): string {
  const sentence = `${reason}.`;
  const translation = say(sentence);
  return translation === sentence ? reason : translation.replace(/\.$/, '');
}
