/** Spanish: clients, and dead letters of nobody. */
import type { Texts } from './dictionary.ts';

export const esClients: Pick<Texts, 'clients' | 'strays'> = {
  clients: {
    title: 'Clientes',
    intro: 'Para quién trabaja. El correo es suyo por la dirección del remitente, o por el dominio de ella.',
    search: 'Buscar por nombre',
    none: 'Todavía no hay clientes.',
    noneHint: 'Con un cliente y sus dominios, los tickets nuevos de su gente muestran de quién son.',
    noMatch: 'Ningún cliente coincide.',
    add: 'Añadir cliente',
    addTitle: 'Añadir un cliente',
    editTitle: (name) => `Editar «${name}»`,
    created: (name) => `El cliente «${name}» se ha añadido.`,
    saved: (name) => `El cliente «${name}» se ha guardado.`,
    name: 'Nombre',
    domains: 'Dominios de correo',
    domainsHint: 'Por ejemplo example.com. Los subdominios son dominios aparte. Intro añade uno.',
    noDomains: 'Sin dominios',
    state: 'Estado',
    isActive: 'Recibe tickets nuevos',
    active: 'Activo',
    inactive: 'Desactivado',
    actions: 'Acciones',
    edit: 'Editar …',
    delete: 'Eliminar …',
    deleteTitle: (name) => `¿Eliminar el cliente «${name}»?`,
    deleteText: (contacts) =>
      contacts === 0
        ? 'Sus dominios quedan libres.'
        : `Sus dominios quedan libres. ${contacts === 1 ? 'Su contacto se queda' : `Sus ${contacts} contactos se quedan`} sin cliente.`,
    deleteConfirm: 'Eliminar cliente',
    deleted: (name) => `El cliente «${name}» se ha eliminado.`,
    staysText: (tickets) =>
      `${tickets === 1 ? '1 ticket pertenece' : `${tickets} tickets pertenecen`} a este cliente, así que se queda. Desactivado no recibe nuevos.`,
    switchOff: 'Desactivar',
    contacts: 'Contactos',
    noContacts: 'No hay contactos.',
    noContactsHint: 'Quien escribe por primera vez desde uno de los dominios pasa a serlo.',
    tickets: 'Tickets',
    openTickets: (open, all) => `${open} abiertos de ${all}`,
    noTickets: 'No hay tickets.',
    noTicketsHint: 'Los tickets nuevos de su gente aparecen aquí.',
    email: 'Correo electrónico',
  },
  strays: {
    title: 'Entradas de nadie',
    link: 'Entradas de nadie',
    back: 'No entregables',
    intro:
      'Entradas del flujo que no se pueden leer, así que nadie puede saber de quién son. No pertenecen a ninguna organización, y solo los operadores las ven, sin su contenido.',
    none: 'No hay entradas de nadie.',
    noneHint: 'Lo que aparece aquí lo escribió en el flujo algo que no es Mailstream, o se dañó.',
    reason: 'Motivo',
    entry: 'Entrada',
    at: 'Abandonado',
  },
};
