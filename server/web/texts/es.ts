/** Spanish. */
import type { Texts } from './dictionary.ts';
import { esAccounts } from './es-accounts.ts';
import { esClients } from './es-clients.ts';
import { esConnect } from './es-connect.ts';
import { esMail } from './es-mail.ts';
import { esMailboxes } from './es-mailboxes.ts';
import { esOperations } from './es-operations.ts';
import { esRules } from './es-rules.ts';
import { esSettings } from './es-settings.ts';

export { spanishServer } from './es-server.ts';

export const spanish: Texts = {
  product: 'Mailstream',
  nav: {
    mailboxes: 'Buzones',
    messages: 'Mensajes',
    tickets: 'Tickets',
    deadLetters: 'No entregables',
    clients: 'Clientes',
    rules: 'Reglas',
    users: 'Usuarios',
    tokens: 'Tokens de API',
    audit: 'Auditoría',
    operations: 'Operación',
    account: 'Mi contraseña',
    manage: 'Gestión',
    main: 'Páginas',
    api: 'Documentación de la API',
    logout: 'Cerrar sesión',
    lightOrDark: 'Cambiar entre claro y oscuro',
    menu: 'Menú',
    skip: 'Ir al contenido',
    language: 'Idioma',
  },
  login: {
    email: 'Correo electrónico',
    password: 'Contraseña',
    submit: 'Iniciar sesión',
  },
  common: {
    loading: 'Cargando',
    retry: 'Intentar de nuevo',
    cancel: 'Cancelar',
    save: 'Guardar',
    back: 'Volver',
    close: 'Cerrar',
    more: 'Mostrar más',
    clear: 'Borrar',
    never: 'nunca',
    unreachable: 'No se puede contactar con el servidor.',
    unreachableHint: 'Compruebe su conexión; esta página lo vuelve a intentar sola.',
    pageMissing: 'Esa página no existe.',
    nothingFound: 'No se encontró nada',
  },
  states: {
    configuring: 'Conectando',
    connected: 'Conectado',
    disconnected: 'Sin conexión',
    error: 'Requiere atención',
    paused: 'En pausa',
    inactive: 'Desactivado',
  },
  ...esMailboxes,
  ...esConnect,
  ...esMail,
  ...esAccounts,
  ...esOperations,
  ...esClients,
  ...esRules,
  ...esSettings,
};
