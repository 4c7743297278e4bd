/* oxlint-disable max-lines -- a table that is read and searched as a whole. */
/** Spanish: messages and hints of the error catalogue, and what requests are refused with, by the English sentence. */
export const esErrors: Readonly<Record<string, string>> = {
  'The mail server name could not be found.': 'No se encontró el nombre del servidor de correo.',
  'Check the host name for typing mistakes; if it was right until now, your DNS may have an outage.':
    'Revise si hay errores en el nombre del servidor; si hasta ahora era correcto, puede que su DNS tenga una avería.',
  'The mail server did not accept the connection.': 'El servidor de correo no aceptó la conexión.',
  'Check host and port, and that the server is up and reachable from here. We keep trying.':
    'Compruebe el servidor y el puerto, y que se pueda llegar a él desde aquí. Lo seguimos intentando.',
  'The mail server did not answer in time.': 'El servidor de correo no respondió a tiempo.',
  'The server or the network is slow, or the port belongs to something else. We keep trying.':
    'El servidor o la red van lentos, o el puerto es de otra cosa. Lo seguimos intentando.',
  'Something answered on this port, but it is not an IMAP server (or it expects TLS differently).':
    'Algo respondió en este puerto, pero no es un servidor IMAP (o espera TLS de otra forma).',
  'Port 993 wants TLS on; port 143 wants STARTTLS. Check the port and the TLS setting.':
    'El puerto 993 requiere TLS; el 143, STARTTLS. Compruebe el puerto y la opción de TLS.',
  'This address may not be connected to.': 'No está permitido conectarse a esta dirección.',
  'Only public addresses are allowed. For a mail server in a private network an operator must add it to EGRESS_ALLOW_CIDRS.':
    'Solo se permiten direcciones públicas. Para un servidor de una red privada, un operador debe añadirla a EGRESS_ALLOW_CIDRS.',
  'The mail server offers no STARTTLS, and the password is never sent without encryption.':
    'El servidor de correo no ofrece STARTTLS, y la contraseña nunca se envía sin cifrar.',
  'Switch TLS on and use port 993, or ask the mail server’s administrator to enable STARTTLS.':
    'Active TLS y use el puerto 993, o pida al administrador del servidor que habilite STARTTLS.',
  'Connections without encryption are not allowed for this mail server.':
    'Para este servidor de correo no se permiten conexiones sin cifrar.',
  'Switch on TLS or STARTTLS. An operator can allow clear text for an address with IMAP_PLAINTEXT_ALLOW_CIDRS.':
    'Active TLS o STARTTLS. Un operador puede permitir texto sin cifrar para una dirección con IMAP_PLAINTEXT_ALLOW_CIDRS.',
  'The mail server’s certificate has expired.': 'El certificado del servidor de correo ha caducado.',
  'The mail server’s administrator must renew it. We look again every hour.':
    'El administrador del servidor debe renovarlo. Volvemos a mirar cada hora.',
  'The mail server’s certificate is for another name.':
    'El certificado del servidor de correo es para otro nombre.',
  'Use the host name that the certificate was issued for.':
    'Use el nombre de servidor para el que se emitió el certificado.',
  'The mail server’s certificate is not signed by a known authority.':
    'El certificado del servidor de correo no está firmado por una autoridad conocida.',
  'Install a certificate of a public authority on the mail server; an operator can relax the check for this one mailbox.':
    'Instale en el servidor un certificado de una autoridad pública; un operador puede relajar la comprobación solo para este buzón.',
  'No encrypted connection could be agreed on with the mail server.':
    'No se pudo acordar una conexión cifrada con el servidor de correo.',
  'Check port and TLS setting; very old servers offer only TLS versions that are no longer safe.':
    'Compruebe el puerto y la opción de TLS; los servidores muy antiguos solo ofrecen versiones de TLS que ya no son seguras.',
  'The mail server refused the user name or password.':
    'El servidor de correo rechazó el usuario o la contraseña.',
  'Enter the password again; many providers want an app password here. Nothing is lost: we continue where we stopped.':
    'Escriba la contraseña de nuevo; muchos proveedores piden aquí una contraseña de aplicación. No se pierde nada: seguimos donde paramos.',
  'The mail server could not check the login just now.':
    'El servidor de correo no pudo comprobar el acceso en este momento.',
  'Nothing to do: this is a temporary problem of the mail server, we keep trying.':
    'No hay que hacer nada: es un problema temporal del servidor, lo seguimos intentando.',
  'The mail server offers no login method that we can use.':
    'El servidor de correo no ofrece ningún método de acceso que podamos usar.',
  'For Google and Microsoft use OAuth instead of a password.':
    'Con Google y Microsoft use OAuth en lugar de una contraseña.',
  'There is no password or token stored for this mailbox.':
    'No hay contraseña ni token guardado para este buzón.',
  'Enter the password, or connect with OAuth.': 'Escriba la contraseña o conecte con OAuth.',
  'The login worked, but the mail server has no mailbox for it.':
    'El acceso funcionó, pero el servidor no tiene ningún buzón para él.',
  'Check that the account has a licence and that IMAP is switched on for it.':
    'Compruebe que la cuenta tenga licencia y que tenga IMAP activado.',
  'The permission to read this mailbox has ended.': 'El permiso para leer este buzón ha terminado.',
  'Reconnect the mailbox with OAuth.': 'Vuelva a conectar el buzón con OAuth.',
  'The OAuth provider refuses this application.': 'El proveedor de OAuth rechaza esta aplicación.',
  'Check client id, client secret and scopes of the OAuth application.':
    'Compruebe el identificador, el secreto y los permisos de la aplicación de OAuth.',
  'The OAuth provider could not be reached.': 'No se pudo contactar con el proveedor de OAuth.',
  'Nothing to do: we keep trying.': 'No hay que hacer nada: lo seguimos intentando.',
  'The stored password or token cannot be decrypted.':
    'La contraseña o el token guardado no se puede descifrar.',
  'SECRETS_MASTER_KEY is not the one it was stored with. Restore the key, or enter the password again.':
    'SECRETS_MASTER_KEY no es la clave con la que se guardó. Restaure la clave o escriba la contraseña de nuevo.',
  'The number of messages that your organisation may receive in a day is reached.':
    'Se ha alcanzado el número de mensajes que su organización puede recibir en un día.',
  'Nothing is lost: mail waits in the mailbox and is fetched from midnight (UTC) on, or as soon as the operator grants more.':
    'No se pierde nada: el correo espera en el buzón y se recoge a partir de medianoche (UTC), o en cuanto el operador conceda más.',
  'The storage that your organisation may use is full.':
    'El almacenamiento que su organización puede usar está lleno.',
  'Nothing is lost: mail waits in the mailbox. The operator can grant more; then it is fetched by itself.':
    'No se pierde nada: el correo espera en el buzón. El operador puede conceder más; entonces se recoge solo.',
  'Your organisation has as many mailboxes as it may have.':
    'Su organización tiene tantos buzones como puede tener.',
  'Remove one that is no longer needed, or ask the operator for more.':
    'Quite uno que ya no haga falta o pida más al operador.',
  'Your organisation would watch more folders than it may.':
    'Su organización vigilaría más carpetas de las que puede.',
  'Watch fewer folders here or in another mailbox, or ask the operator for more.':
    'Vigile menos carpetas aquí o en otro buzón, o pida más al operador.',
  'Your organisation has made as many API calls as it may in a day.':
    'Su organización ha hecho tantas llamadas a la API como puede en un día.',
  'Wait until midnight (UTC), as Retry-After says, or ask the operator for more. People who are logged in can go on.':
    'Espere hasta medianoche (UTC), como dice Retry-After, o pida más al operador. Quien ha iniciado sesión puede continuar.',
  'The vault that holds the passwords cannot be reached.':
    'No se puede acceder al almacén donde están las contraseñas.',
  'An operator should look at Vault and at the network to it. Open connections go on, the others follow by themselves.':
    'Un operador debería revisar Vault y la red hasta él. Las conexiones abiertas continúan; las demás se reanudan solas.',
  'The vault that holds the passwords is sealed.': 'El almacén donde están las contraseñas está sellado.',
  'An operator must unseal Vault. Open connections go on, the others follow by themselves.':
    'Un operador debe abrir Vault. Las conexiones abiertas continúan; las demás se reanudan solas.',
  'The vault does not let us in, or not to this secret.':
    'El almacén no nos deja entrar, o no nos da acceso a este secreto.',
  'An operator must check the login and the policy of Mailstream in Vault. We look again at intervals.':
    'Un operador debe revisar el acceso y la política de Mailstream en Vault. Volvemos a mirar cada cierto tiempo.',
  'The vault did not understand what we asked of it.': 'El almacén no entendió lo que le pedimos.',
  'An operator must check VAULT_ADDR, VAULT_NAMESPACE and VAULT_KV_MOUNT: it must be a KV engine of version 2.':
    'Un operador debe revisar VAULT_ADDR, VAULT_NAMESPACE y VAULT_KV_MOUNT: debe ser un motor KV de la versión 2.',
  'Somebody else changed this secret in the vault at the same moment.':
    'Otra persona cambió este secreto en el almacén en el mismo momento.',
  'Try again.': 'Inténtelo de nuevo.',
  'The stored password or token is no longer in the vault.':
    'La contraseña o el token guardado ya no está en el almacén.',
  'An operator can undelete it in Vault; otherwise enter it again.':
    'Un operador puede recuperarlo en Vault; si no, escríbalo de nuevo.',
  'This mailbox has no server to send mail through.': 'Este buzón no tiene servidor para enviar correo.',
  'Enter the SMTP server in the settings of the mailbox.':
    'Indique el servidor SMTP en la configuración del buzón.',
  'The server for outgoing mail did not accept the connection.':
    'El servidor de salida no aceptó la conexión.',
  'The server for outgoing mail did not answer in time.': 'El servidor de salida no respondió a tiempo.',
  'Something answered on this port, but it is not a server for outgoing mail.':
    'Algo respondió en este puerto, pero no es un servidor de correo saliente.',
  'Port 465 wants TLS on; port 587 wants STARTTLS. Check the port and the TLS setting.':
    'El puerto 465 requiere TLS; el 587, STARTTLS. Compruebe el puerto y la opción de TLS.',
  'The server for outgoing mail refused the login.': 'El servidor de salida rechazó el acceso.',
  'Enter user name and password again; many providers want an app password here. Mail that waits is sent then.':
    'Escriba de nuevo el usuario y la contraseña; muchos proveedores piden aquí una contraseña de aplicación. Después se envía el correo en espera.',
  'The server for outgoing mail asks to try again later.':
    'El servidor de salida pide que se intente más tarde.',
  'Nothing to do: we keep trying with growing delay.':
    'No hay que hacer nada: lo seguimos intentando cada vez más espaciado.',
  'The server for outgoing mail refused the address of the recipient.':
    'El servidor de salida rechazó la dirección del destinatario.',
  'Check the address. Send it again once it is right, or once the server takes it.':
    'Compruebe la dirección. Envíelo de nuevo cuando sea correcta o cuando el servidor la acepte.',
  'The server for outgoing mail refused the mail.': 'El servidor de salida rechazó el correo.',
  'It may be too large, or the server does not let this mailbox send as this address. Send it again when that has changed.':
    'Puede ser demasiado grande, o el servidor no deja que este buzón envíe con esta dirección. Envíelo de nuevo cuando eso haya cambiado.',
  'The connection ended before the server said whether it took the mail.':
    'La conexión terminó antes de que el servidor dijera si aceptaba el correo.',
  'Nothing to do: it is sent again under the same Message-ID, by which the receiver knows it again.':
    'No hay que hacer nada: se envía de nuevo con el mismo Message-ID, por el que el receptor lo reconoce.',
  'The mail could not be put together.': 'No se pudo componer el correo.',
  'An address is none, or an attachment is missing or too large. Write the answer again without it.':
    'Una dirección no es válida, o un adjunto falta o es demasiado grande. Escriba la respuesta de nuevo sin él.',
  'The mail server asked us to slow down.': 'El servidor de correo pidió ir más despacio.',
  'Nothing to do: we continue when the server allows it.':
    'No hay que hacer nada: seguimos cuando el servidor lo permita.',
  'The mail server allows no more connections for this account.':
    'El servidor de correo no permite más conexiones para esta cuenta.',
  'Close other mail programs, watch fewer folders, or raise the server’s limit. We keep trying.':
    'Cierre otros programas de correo, vigile menos carpetas o suba el límite del servidor. Lo seguimos intentando.',
  'More folders are watched than connections are allowed, so they take turns.':
    'Se vigilan más carpetas que conexiones permitidas, así que se turnan.',
  'Mail arrives a little later than usual. An operator can raise IMAP_MAX_CONNECTIONS_PER_TENANT or IMAP_MAX_CONNECTIONS_PER_HOST.':
    'El correo llega algo más tarde de lo normal. Un operador puede subir IMAP_MAX_CONNECTIONS_PER_TENANT o IMAP_MAX_CONNECTIONS_PER_HOST.',
  'The connection to the mail server was lost.': 'Se perdió la conexión con el servidor de correo.',
  'Nothing to do: we reconnect by ourselves and catch up.':
    'No hay que hacer nada: nos reconectamos y nos ponemos al día solos.',
  'The mail server answered in a way that breaks the IMAP rules or our limits.':
    'El servidor de correo respondió de una forma que rompe las reglas de IMAP o nuestros límites.',
  'We reconnect and go on; if it stays, tell the mail server’s administrator.':
    'Nos reconectamos y seguimos; si persiste, avise al administrador del servidor.',
  'The mail server could not do what we asked just now.':
    'El servidor de correo no pudo hacer lo que le pedimos en este momento.',
  'Nothing to do: we keep trying. If it stays, tell the mail server’s administrator.':
    'No hay que hacer nada: lo seguimos intentando. Si persiste, avise al administrador del servidor.',
  'The mail server offers push (IDLE) but does not accept it.':
    'El servidor de correo ofrece avisos (IDLE) pero no los acepta.',
  'Nothing to do: new mail is looked for at intervals instead.':
    'No hay que hacer nada: en su lugar se busca correo nuevo a intervalos.',
  'The connection looks alive, but for too long the mail server has not shown that everything is here.':
    'La conexión parece viva, pero desde hace demasiado el servidor no ha mostrado que todo esté aquí.',
  'We connect anew by ourselves. If it stays so, look at the mail server or at the network between.':
    'Nos conectamos de nuevo solos. Si sigue así, revise el servidor de correo o la red que hay en medio.',
  'The folder does not exist on the mail server.': 'La carpeta no existe en el servidor de correo.',
  'Choose another folder, or create it again; its position is kept.':
    'Elija otra carpeta o créela de nuevo; su posición se conserva.',
  'The mail server does not keep message numbers between connections, so mail cannot be followed safely.':
    'El servidor no conserva los números de mensaje entre conexiones, así que el correo no se puede seguir con seguridad.',
  'Choose another folder or another mail server.': 'Elija otra carpeta u otro servidor de correo.',
  'A message could not be read within its limits of time and memory.':
    'Un mensaje no se pudo leer dentro de sus límites de tiempo y memoria.',
  'It is kept as a dead letter with its original; the mailbox goes on.':
    'Se conserva como no entregable con su original; el buzón continúa.',
  'The stored original of a message is gone.': 'El original guardado de un mensaje ha desaparecido.',
  'Check what removes files from the storage. The message is kept as a dead letter; the mailbox goes on.':
    'Compruebe qué borra archivos del almacenamiento. El mensaje se conserva como no entregable; el buzón continúa.',
  'The storage for messages cannot be written.': 'No se puede escribir en el almacenamiento de mensajes.',
  'Check free space and access. Fetching waits, nothing is lost.':
    'Compruebe el espacio libre y los permisos. La recogida espera, no se pierde nada.',
  'The database cannot be reached.': 'No se puede contactar con la base de datos.',
  'Nothing is lost: work goes on when it is back.': 'No se pierde nada: el trabajo sigue cuando vuelva.',
  'The storage for messages is full.': 'El almacenamiento de mensajes está lleno.',
  'An operator must free or add space. Fetching waits, mail stays in the mailbox, and it goes on by itself.':
    'Un operador debe liberar o añadir espacio. La recogida espera, el correo sigue en el buzón y continúa sola.',
  'Events wait to be processed, and there are too many of them to fetch more mail.':
    'Hay eventos por procesar, demasiados como para recoger más correo.',
  'An operator should see whether the workers run. Mail stays in the mailbox; fetching goes on once they have caught up.':
    'Un operador debería mirar si los workers funcionan. El correo sigue en el buzón; la recogida continúa cuando se pongan al día.',
  'Redis has no memory left for more events.': 'A Redis no le queda memoria para más eventos.',
  'An operator must raise its maxmemory or see what fills it. Mail stays in the mailbox, and fetching goes on by itself.':
    'Un operador debe subir su maxmemory o ver qué lo llena. El correo sigue en el buzón y la recogida continúa sola.',
  'Redis cannot be reached or takes no entries.': 'No se puede contactar con Redis o no acepta entradas.',
  'Nothing is lost: the mailbox is the queue, work goes on when it is back.':
    'No se pierde nada: el buzón es la cola, el trabajo sigue cuando vuelva.',
  'Another instance owns this mailbox now.': 'Ahora otra instancia está a cargo de este buzón.',
  'Nothing to do.': 'No hay que hacer nada.',
  'Something went wrong inside Mailstream.': 'Algo salió mal dentro de Mailstream.',
  'The log has the details under the same code; please report it.':
    'El registro tiene los detalles con el mismo código; por favor, comuníquelo.',
  'An entry of the event stream is not an event that can be read.':
    'Una entrada del flujo de eventos no es un evento que se pueda leer.',
  'See what writes to the stream besides Mailstream. The entry is kept whole in the dead letters.':
    'Mire qué escribe en el flujo además de Mailstream. La entrada se conserva entera entre los no entregables.',
  'An event names another tenant inside than outside.':
    'Un evento nombra por dentro otra organización que por fuera.',
  'Somebody may be forging events: check who may write to Redis.':
    'Alguien puede estar falsificando eventos: compruebe quién puede escribir en Redis.',
  'An event names a mailbox that its tenant does not have.':
    'Un evento nombra un buzón que su organización no tiene.',
  'The mailbox may have been deleted meanwhile; otherwise check who may write to Redis.':
    'Puede que el buzón se haya eliminado entretanto; si no, compruebe quién puede escribir en Redis.',
  'An event could not be turned into a ticket, however often it was tried.':
    'Un evento no se pudo convertir en ticket, por más que se intentó.',
  'The log has the reason under the same code. Replay the dead letter once it is mended.':
    'El registro tiene el motivo con el mismo código. Repítalo cuando esté arreglado.',
  'An event ended the worker each time it was tried.':
    'Un evento terminó con el worker cada vez que se intentó.',
  'It is kept as a dead letter so that others go on; please report it with its original.':
    'Se conserva como no entregable para que los demás sigan; por favor, comuníquelo con su original.',
  'Some fields are not right.': 'Algunos campos no son correctos.',
  'See `fields` for each one.': 'Vea cada campo.',
  'You are not logged in.': 'No ha iniciado sesión.',
  'Log in, or send a valid API token.': 'Inicie sesión o envíe un token de API válido.',
  'E-mail or password is wrong.': 'El correo electrónico o la contraseña no son correctos.',
  'Try again, or ask an administrator.': 'Inténtelo de nuevo o pregunte a un administrador.',
  'You may not do this.': 'No tiene permiso para hacer esto.',
  'Ask an administrator for the right.': 'Pida el permiso a un administrador.',
  'There is nothing here.': 'Aquí no hay nada.',
  'It may have been deleted.': 'Puede que se haya eliminado.',
  'This clashes with something that exists.': 'Esto choca con algo que ya existe.',
  'See the message.': 'Vea el mensaje.',
  'This mailbox is already connected.': 'Este buzón ya está conectado.',
  'Edit the existing one, or delete it first.': 'Edite el existente o elimínelo antes.',
  'Too many requests.': 'Demasiadas peticiones.',
  'Wait a moment and try again.': 'Espere un momento e inténtelo de nuevo.',

  'Only an operator may switch off the check of the mail server’s certificate.':
    'Solo un operador puede desactivar la comprobación del certificado del servidor.',
  'Only an operator may switch this off.': 'Solo un operador puede desactivar esto.',
  'This address has accounts in several tenants.': 'Esta dirección tiene cuentas en varias organizaciones.',
  'Send `tenantId` to say which one is meant.': 'Envíe `tenantId` para decir cuál se quiere.',
  'Somebody else changed this mailbox at the same moment.':
    'Otra persona cambió este buzón en el mismo momento.',
  'Look at the new settings and try again.': 'Mire la nueva configuración e inténtelo de nuevo.',
  'This is required.': 'Esto es obligatorio.',
  'This must not be empty.': 'Esto no puede estar vacío.',
  'This field is not known here.': 'Este campo no se conoce aquí.',
  'This is not one of the allowed forms.': 'Esta no es una de las formas permitidas.',
  'This is not right.': 'Esto no es correcto.',
  'This does not have the right form.': 'Esto no tiene la forma correcta.',
  'This must be a UUID.': 'Esto debe ser un UUID.',
  'This must be a date such as 2026-11-21.': 'Esto debe ser una fecha como 2026-11-21.',
  'This must be a text.': 'Esto debe ser un texto.',
  'This must be a number.': 'Esto debe ser un número.',
  'This must be a whole number.': 'Esto debe ser un número entero.',
  'This must be true or false.': 'Esto debe ser verdadero o falso.',
  'This must be a list.': 'Esto debe ser una lista.',
  'This must be an object.': 'Esto debe ser un objeto.',
  'This must be one line without control characters.':
    'Esto debe ser una sola línea sin caracteres de control.',
  'Write something.': 'Escriba algo.',
  'Use the `nextCursor` of the page before, as it is.':
    'Use el `nextCursor` de la página anterior, tal cual.',
  'The job board changes nothing.': 'El panel de trabajos no cambia nada.',
  'This request did not come from Mailstream’s own pages.':
    'Esta petición no vino de las páginas de Mailstream.',
  'Open Mailstream in its own window; programs should use an API token.':
    'Abra Mailstream en su propia ventana; los programas deben usar un token de API.',
  'The request is too large.': 'La petición es demasiado grande.',
  'Send less.': 'Envíe menos.',
  'Only JSON is accepted.': 'Solo se acepta JSON.',
  'Send `Content-Type: application/json`.': 'Envíe `Content-Type: application/json`.',
  'The request could not be read.': 'No se pudo leer la petición.',
  'The body must be one JSON value, and the address well formed.':
    'El cuerpo debe ser un solo valor JSON y la dirección debe estar bien formada.',
  'Enter a cron expression such as `17 3 * * *`, and a time zone such as `Europe/Berlin`.':
    'Escriba una expresión cron como `17 3 * * *` y una zona horaria como `Europe/Berlin`.',
  'There is no such ticket.': 'No existe ese ticket.',
  'A ticket cannot be merged into itself or into one that was merged.':
    'Un ticket no se puede unir a sí mismo ni a uno que ya se unió.',
  'Enter only the name or address of the server, for example imap.example.com.':
    'Escriba solo el nombre o la dirección del servidor, por ejemplo imap.example.com.',
  'Enter only the name or address of the server, for example smtp.example.com.':
    'Escriba solo el nombre o la dirección del servidor, por ejemplo smtp.example.com.',
  'Enter a full address that begins with https://.':
    'Escriba una dirección completa que empiece por https://.',
  'A folder is in the list twice.': 'Una carpeta está dos veces en la lista.',
  'A mailbox address has no blanks.': 'Una dirección de buzón no tiene espacios.',
  'Enter one plain address, for example support@example.com.':
    'Escriba una sola dirección, por ejemplo support@example.com.',
  'This must be a domain such as example.com.': 'Esto debe ser un dominio como example.com.',
  'One of these domains belongs to another client.': 'Uno de estos dominios pertenece a otro cliente.',
  'The mailbox has no plain address: enter one.': 'El buzón no tiene una dirección simple: escriba una.',
  'A login needs a user name.': 'Un acceso necesita un nombre de usuario.',
  'The mailbox itself is not connected with OAuth.': 'El propio buzón no está conectado con OAuth.',
  'This kind of login has no password.': 'Este tipo de acceso no tiene contraseña.',
  'On its way again.': 'Otra vez en camino.',
  'At least 12 characters; several words are easy to remember.':
    'Al menos 12 caracteres; varias palabras son fáciles de recordar.',
  'Somebody with this address is here already.': 'Ya hay alguien con esta dirección.',
  'This is the last administrator.': 'Este es el último administrador.',
  'Make somebody else an administrator first.': 'Haga antes administrador a otra persona.',
  'This user is disabled.': 'Este usuario está desactivado.',
  'Enable the user first.': 'Active antes al usuario.',
  'This link is not valid any more.': 'Este enlace ya no es válido.',
  'It works once and for three days. Ask an administrator for a new one.':
    'Sirve una vez y durante tres días. Pida otro a un administrador.',
  'This is not your current password.': 'Esta no es su contraseña actual.',
  'A token can have no rights that you do not have yourself.':
    'Un token no puede tener permisos que usted no tiene.',
  'Choose fewer rights.': 'Elija menos permisos.',
  'This must be in the future.': 'Esto debe estar en el futuro.',
  'This role has rights that you do not have yourself.': 'Este rol tiene permisos que usted no tiene.',
  'Ask somebody who has them.': 'Pídalo a alguien que los tenga.',
  'There is no such client.': 'No existe ese cliente.',
  'This ticket was merged into another one.': 'Este ticket se unió a otro.',
  'Go on in the ticket that `mergedInto` names.': 'Siga en el ticket que indica `mergedInto`.',
  'Only a mail that failed or waits can be sent again.':
    'Solo se puede enviar de nuevo un correo que falló o espera.',
  'Look at its state.': 'Mire su estado.',
  'Use one line of at most 200 characters.': 'Use una línea de 200 caracteres como máximo.',
  'Answer in the ticket that `mergedInto` names.': 'Conteste en el ticket que indica `mergedInto`.',
  'The requester of this ticket cannot be answered.': 'No se puede contestar al remitente de este ticket.',
  'There is no usable address, or it is one of your own mailboxes.':
    'No hay una dirección utilizable, o es uno de sus propios buzones.',
  'It is in doubt whether the requester wrote this.': 'Es dudoso que el remitente escribiera esto.',
  'Look at the ticket, resolve its attention, and answer then.':
    'Mire el ticket, resuelva su aviso y conteste después.',
  'One of these is no file of this ticket.': 'Uno de estos no es un archivo de este ticket.',
  'Another answer was sent under this key.': 'Se envió otra respuesta con esta clave.',
  'Use a new key for each answer.': 'Use una clave nueva para cada respuesta.',
  'This mailbox is paused or switched off, so nobody could look into it.':
    'Este buzón está en pausa o desactivado, así que nadie podría mirarlo.',
  'Resume it first; everything is compared then.': 'Reanúdelo primero; entonces se compara todo.',
  'This message has been processed meanwhile.': 'Este mensaje se ha procesado entretanto.',
  'This message is on its way again.': 'Este mensaje está otra vez en camino.',
};
