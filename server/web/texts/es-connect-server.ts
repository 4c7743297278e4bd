/** Spanish: what the server says when a mailbox is being connected, by the English sentence. */
export const esConnectServer: Readonly<Record<string, string>> = {
  'This login was not started here, was finished already, or took too long.':
    'Este acceso no empezó aquí, ya terminó o tardó demasiado.',
  'Start the login again from the mailbox, and finish it in the same browser within ten minutes.':
    'Inicie sesión de nuevo desde el buzón y termine en el mismo navegador en menos de diez minutos.',
  'The login was cancelled, or the permission was not given.': 'El acceso se canceló o no se dio el permiso.',
  'Start again and agree to everything that is asked; some organisations need an administrator’s consent first.':
    'Empiece de nuevo y acepte todo lo que se pide; en algunas organizaciones antes debe consentir un administrador.',
  'The answer came from another login service than the one that was asked.':
    'La respuesta vino de otro servicio de acceso que el consultado.',
  'Check the OAuth addresses of this mailbox. If they are right, somebody may be interfering: do not repeat the login.':
    'Compruebe las direcciones de OAuth de este buzón. Si son correctas, puede que alguien esté interfiriendo: no repita el acceso.',
  'The account that logged in is not the one of this mailbox.':
    'La cuenta que inició sesión no es la de este buzón.',
  'Log in with the mailbox’s own account. If the mailbox is shared, say so in its settings and log in with an account that may open it.':
    'Inicie sesión con la cuenta del propio buzón. Si el buzón es compartido, indíquelo en su configuración e inicie sesión con una cuenta que pueda abrirlo.',
  'The permission that was given is not enough to read the mailbox at any time.':
    'El permiso que se dio no basta para leer el buzón en cualquier momento.',
  'Agree to all that is asked, and check that the scopes include IMAP and lasting access (offline_access).':
    'Acepte todo lo que se pide y compruebe que los permisos incluyan IMAP y acceso duradero (offline_access).',
  'This link was used already, was withdrawn, or has expired.':
    'Este enlace ya se usó, se retiró o ha caducado.',
  'Ask whoever sent it for a new one.': 'Pida otro a quien se lo envió.',
  'Enter a whole address, like support@example.com.':
    'Escriba una dirección completa, como support@example.com.',
  'With two-step verification this service wants an app password: make one in the account’s security settings and enter it in place of the usual password.':
    'Con la verificación en dos pasos este servicio pide una contraseña de aplicación: créela en la seguridad de la cuenta y escríbala en lugar de la habitual.',
  'This service takes no passwords over IMAP: log in with OAuth.':
    'Este servicio no acepta contraseñas por IMAP: inicie sesión con OAuth.',
  'Access by IMAP is off until it is switched on in the account’s own settings.':
    'El acceso por IMAP está desactivado hasta que se active en la configuración de la cuenta.',
  'The domain itself named this server. Check that you know it before you enter a password.':
    'El propio dominio nombró este servidor. Compruebe que lo conoce antes de escribir una contraseña.',
  'Server, account or OAuth application are not those of the login any more.':
    'El servidor, la cuenta o la aplicación de OAuth ya no son los del acceso.',
  'Log in again with these settings.': 'Inicie sesión de nuevo con esta configuración.',
  'This is required to log in.': 'Esto es obligatorio para iniciar sesión.',
  'This mailbox logs in with a password.': 'Este buzón usa contraseña.',
  'A login with OAuth needs a browser that is logged in here.':
    'Un acceso con OAuth necesita un navegador con la sesión iniciada aquí.',
  'With an API token, make a link for the owner of the mailbox instead (`login-link`).':
    'Con un token de API, cree en su lugar un enlace para el dueño del buzón (`login-link`).',
  'Authorization address and token address belong to different login services.':
    'La dirección de autorización y la de los tokens son de servicios de acceso distintos.',
  'With these scopes the application logs in itself, and nobody else has to.':
    'Con estos permisos la propia aplicación inicia sesión y nadie más tiene que hacerlo.',
  'Let the application into this mailbox at the mail service, and check its client secret here.':
    'Dé acceso a este buzón a la aplicación en el servicio de correo y revise aquí su secreto de cliente.',
  'This is not the name of the tenant.': 'Este no es el nombre de la organización.',
  'Resume it first; then try again.': 'Reanúdelo primero e inténtelo de nuevo.',
};
