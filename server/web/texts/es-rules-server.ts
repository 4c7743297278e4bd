/** Spanish: what the server says about rules for incoming mail and about clients, by the English sentence. */
export const esRulesServer: Readonly<Record<string, string>> = {
  'Give a rule or the id of one, not both. With neither, all enabled rules are tried together.':
    'Indique una regla o el id de una, no ambas cosas. Sin ninguna se prueban juntas todas las reglas activas.',
  'This must name every rule, each once. Load the list again.':
    'Aquí debe figurar cada regla, una sola vez. Vuelva a cargar la lista.',
  'All expressions of your rules together would take too long. Use fewer or shorter ones, or "contains".':
    'Todas las expresiones de sus reglas juntas tardarían demasiado. Use menos o más cortas, o bien «contiene».',
  'There is no such mailbox.': 'No existe ese buzón.',
  'There is no such client, or it gets no new tickets.': 'No existe ese cliente, o no recibe tickets nuevos.',
  'It would be left out: recorded, and no ticket.': 'Se omitiría: se registra y no hay ticket.',
  'Its ticket would get what stands under effect.': 'Su ticket recibiría lo que figura como efecto.',
  'Rules match, and change nothing: it is an answer in its ticket, a report about a mail of ours, or too long to be certain of.':
    'Hay reglas que coinciden y no cambian nada: es una respuesta en su ticket, un informe sobre un correo nuestro o demasiado largo para estar seguros.',
  'Only rules on trial match: they are counted, and nothing happens.':
    'Solo coinciden reglas a prueba: se cuentan y no pasa nada.',
  'No rule matches.': 'No coincide ninguna regla.',
  'A rule asks for something that is not kept of this message, so nobody can tell.':
    'Una regla pregunta por algo que no se conserva de este mensaje, así que nadie lo puede saber.',
  'This client has tickets, so it stays. Switch it off instead: then it gets no new ones.':
    'Este cliente tiene tickets, así que se queda. Desactívelo: así no recibe nuevos.',
  'The defaults of new tickets name this client. Change them first.':
    'Los valores de los tickets nuevos nombran a este cliente. Cámbielos primero.',
  'A rule for incoming mail names this client. Change the rule first.':
    'Una regla para el correo entrante nombra a este cliente. Cambie primero la regla.',
  'Nothing was removed.': 'No se ha eliminado nada.',
  'This rule is broken: save it anew first.': 'Esta regla está rota: guárdela de nuevo primero.',
  'This is nested too deep, 5 is allowed.': 'Está anidado demasiado; se permiten 5 niveles.',
  'This must not contain a NUL or half a character.': 'No puede contener un carácter NUL ni medio carácter.',
  'This must be the name of a header field.': 'Debe ser el nombre de un campo de cabecera.',
  'This must name a queue or a client.': 'Debe nombrar una cola o un cliente.',
  'there is no room for its expressions beside those of the rules before it':
    'no queda sitio para sus expresiones junto a las de las reglas anteriores',
  'this client is not there, or gets no new tickets': 'este cliente no existe, o no recibe tickets nuevos',
  // Why an expression is refused.
  'is empty': 'está vacía',
  'cannot be read': 'no se puede leer',
  'repeats too much to be searched for': 'repite demasiado para poder buscarla',
  'missing closing )': 'falta un ) de cierre',
  'missing closing ]': 'falta un ] de cierre',
  'unexpected )': 'sobra un )',
  'missing argument to repetition operator': 'falta lo que se repite',
  'invalid nested repetition operator': 'una repetición sigue a otra',
  'invalid repeat count': 'número de repeticiones no válido',
  'invalid escape sequence': 'secuencia de escape no válida',
  'trailing backslash at end of expression': 'termina en barra invertida',
  'invalid character class range': 'rango de caracteres no válido',
  'invalid named capture': 'nombre de grupo no válido',
  'duplicate capture group name': 'nombre de grupo repetido',
  'expression too large': 'es demasiado grande',
  'expression nests too deeply': 'está anidada demasiado',
  'invalid or unsupported Perl syntax': 'sintaxis de Perl no válida o no admitida',
};
