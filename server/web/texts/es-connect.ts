/** Spanish: adding a mailbox in steps, logging in with OAuth, older mail. */
import type { Texts } from './dictionary.ts';

export const esConnect: Pick<Texts, 'connect' | 'reconnect' | 'owner' | 'resync'> = {
  connect: {
    steps: { address: 'Dirección', login: 'Acceso', test: 'Prueba', what: 'Carpetas' },
    next: 'Continuar',
    previous: 'Paso anterior',
    find: 'Buscar la configuración',
    addressHint: 'A partir de ella se busca la configuración de su servidor de correo.',
    found: {
      preset: (service) => `${service}: la configuración es conocida.`,
      mx: (service) => `El correo de este dominio va a ${service}.`,
      autoconfig: 'El dominio publica esta configuración.',
      srv: 'El dominio nombra este servidor en su DNS.',
      none: 'No se encontró la configuración de esta dirección. Escriba el servidor a mano.',
    },
    change: 'Cambiar el servidor',
    chooseSecurity: { tls: 'TLS', starttls: 'STARTTLS', plain: 'sin cifrar' },
    login: 'Iniciar sesión',
    loginAgain: 'Iniciar sesión de nuevo',
    loginWith: (service) => `Iniciar sesión con ${service}`,
    loginHint:
      'Irá a la página de acceso del servicio de correo y volverá aquí. No se guarda nada hasta que usted lo diga.',
    redirect: 'Dirección de retorno que debe indicar en su aplicación de OAuth',
    copy: 'Copiar',
    copied: 'Copiado',
    addresses: 'Direcciones y permisos',
    issuer: 'Emisor',
    shared: 'Buzón compartido: lo abre una cuenta con otra dirección',
    loggedIn: (account) => `Sesión iniciada como ${account}.`,
    loggedInUnknown: 'Sesión iniciada.',
    asUser: 'Un usuario inicia sesión',
    asApplication: 'La propia aplicación',
    ownerLater: 'El dueño del buzón iniciará sesión más tarde',
    refreshToken: 'Token de actualización, si ya tiene uno',
    testing: 'Probando la conexión …',
    testAgain: 'Probar de nuevo',
    certificate: 'Certificado',
    certificateOf: (name, issuer, until) => `${name}, emitido por ${issuer}, válido hasta ${until}`,
    idle: 'El correo nuevo se nota al instante.',
    noIdle: 'El servidor no avisa del correo nuevo: se le pregunta cada medio minuto.',
    pickFolders: 'Carpetas que vigilar',
    searchFolders: 'Buscar carpetas',
    messages: (count) => (count === 1 ? '1 mensaje' : `${count} mensajes`),
    foldersCut: 'Hay más carpetas de las que aparecen aquí.',
    startHint: 'El correo anterior también se puede recoger más tarde.',
    sessionLost: 'El formulario se perdió por el camino. Escriba la configuración de nuevo.',
  },
  reconnect: {
    title: 'Hay que volver a conectar este buzón',
    text: 'Hasta entonces no se recoge correo. No se pierde nada: espera en el buzón.',
    login: 'Reconectar',
    password: 'Escribir otra contraseña',
    application: 'Revisar la aplicación',
    link: 'Enviar un enlace al dueño',
    linkTitle: 'Enlace para el dueño del buzón',
    linkText: (mailbox) =>
      `Quien abra este enlace puede iniciar sesión en ${mailbox} sin tener cuenta aquí. Vale para un solo acceso, durante una semana, y solo se muestra ahora. Un enlace anterior deja de valer.`,
    linkOpen: 'Crear un enlace',
    done: (account) => `Reconectado como ${account}.`,
    doneUnknown: 'Reconectado.',
    tokenExpires: 'Token hasta',
    account: 'Sesión de',
  },
  owner: {
    title: 'Conecte su buzón',
    text: (tenant, mailbox) =>
      `${tenant} pide leer el buzón ${mailbox} con Mailstream, para que el correo que llegue se convierta en tickets.`,
    where: (host) =>
      `Iniciará sesión en ${host}. Ni Mailstream ni nadie más ve su contraseña, y allí puede retirar el permiso cuando quiera.`,
    start: 'Ir a la página de acceso',
    done: 'Gracias. El buzón está conectado.',
    doneText: 'Puede cerrar esta página.',
    failed: 'El buzón no está conectado',
    failures: {
      OAUTH_WRONG_ACCOUNT:
        'Inició sesión con otra cuenta que la del buzón. Abra el enlace de nuevo y elija la correcta.',
      OAUTH_DENIED: 'El acceso se canceló o no se dio el permiso. Abra el enlace de nuevo para repetirlo.',
      OAUTH_STATE_INVALID:
        'El acceso tardó demasiado, ya había terminado o volvió en otro navegador. Empiece de nuevo.',
      OAUTH_SCOPE_MISSING: 'No se aceptó todo lo necesario. Abra el enlace de nuevo y acéptelo todo.',
      other: 'Abra el enlace de nuevo para repetirlo o avise a quien se lo envió.',
    },
    missing: 'Esta dirección no contiene ningún enlace. Abra el enlace completo que recibió.',
  },
  resync: {
    action: 'Recoger correo anterior',
    title: (name) => `Recoger correo anterior de «${name}»`,
    text: 'También se recoge el correo anterior al comienzo. Lo que ya está aquí no se recoge de nuevo.',
    folder: 'Carpeta',
    allFolders: 'Todas las carpetas vigiladas',
    from: 'Desde dónde',
    last: 'Los últimos mensajes',
    since: 'Desde un día',
    everything: 'Todo',
    count: 'Contar primero',
    counting: 'Contando …',
    fetch: (count) => (count === 1 ? 'Recoger 1 mensaje' : `Recoger ${count} mensajes`),
    nothing: 'Desde ahí no falta nada.',
    wouldCome: (fetched, listed) => {
      const count = fetched === 1 ? '1 mensaje' : `${fetched} mensajes`;
      const come = fetched === 1 ? 'Llegaría' : 'Llegarían';
      return fetched === listed
        ? `${come} ${count}.`
        : `${come} ${count} de ${listed}; los demás ya están aquí.`;
    },
    fetching: 'Recogiendo …',
    came: (count) => (count === 1 ? 'Se recogió 1 mensaje.' : `Se recogieron ${count} mensajes.`),
    missing: (count) => (count === 1 ? '1 mensaje no se entregó.' : `${count} mensajes no se entregaron.`),
  },
};
