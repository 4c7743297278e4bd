/** Spanish: the operator's area. */
import type { Texts } from './dictionary.ts';

export const esOperations: Pick<Texts, 'operations'> = {
  operations: {
    title: 'Operación',
    intro: 'Toda la instalación, de todas las organizaciones.',
    totals: {
      active: 'Buzones activos',
      leased: (leased, active) => `${leased} de ${active} vigilados`,
      folders: 'Carpetas',
      stale: (count) => (count === 0 ? 'todas al día' : `${count} atrasadas`),
      dataAge: 'Datos más antiguos',
      lag: 'En espera',
      lagHint: (publish, process) => `${publish} por publicar, ${process} por procesar`,
      audit: 'Mensajes que faltan',
      auditHint: (checked) => `${checked} comparados`,
    },
    instances: 'Instancias',
    noInstances: 'No hay ninguna instancia en marcha.',
    noInstancesHint: 'Inicie el email-service; mientras tanto el correo espera en los buzones.',
    instance: 'Instancia',
    state: 'Estado',
    states: { running: 'En marcha', draining: 'Deteniéndose' },
    load: 'Carpetas (parte justa)',
    leases: 'Buzones',
    data: 'Datos más antiguos',
    beat: 'Último latido',
    heldBy: 'La recogida espera',
    mailboxes: 'Buzones de esta organización',
    mailbox: 'Buzón',
    lease: 'A cargo de',
    leaseUntil: 'Hasta',
    nobody: 'nadie',
    pollAll: 'Buscar correo ahora',
    poll: 'Mirar ahora',
    restart: 'Reiniciar',
    restartAll: 'Reiniciar todos …',
    restartTitle: '¿Reiniciar todos los buzones de esta organización?',
    restartText:
      'Se cierran todas las conexiones y se hacen de nuevo. No se pierde nada; el correo puede llegar unos segundos más tarde.',
    polled: (count) => (count === 1 ? 'Se mira 1 buzón.' : `Se miran ${count} buzones.`),
    restarted: (count) =>
      count === 1 ? '1 buzón se conecta de nuevo.' : `${count} buzones se conectan de nuevo.`,
    charts: 'Última hora',
    throughput: 'Mensajes',
    arrival: 'Del servidor de correo aquí (mediana)',
    publishLatency: 'De la recogida al flujo (p95)',
    processLatency: 'De la recogida al ticket (p95)',
    chartSummary: (title, max, last) => `${title}: máximo ${max}, último ${last}`,
    perStep: (seconds) =>
      seconds % 60 !== 0
        ? `por ${seconds} s`
        : seconds === 60
          ? 'por minuto'
          : `cada ${seconds / 60} minutos`,
    highest: 'máx.',
    noData: 'No llegó nada en este tiempo.',
    queues: 'Colas',
    queueCounts: (waiting, active, delayed, failed) =>
      `${waiting} en espera, ${active} en curso, ${delayed} aplazados, ${failed} fallidos`,
    noQueues: 'Este servidor no conoce REDIS_URL, así que no puede mostrar las colas.',
    board: 'Abrir el panel de trabajos',
    jobs: 'Trabajos',
    job: 'Trabajo',
    schedule: 'Horario',
    next: 'Próxima ejecución',
    last: 'Última ejecución',
    runNow: 'Ejecutar ahora',
    enabled: 'Activado',
    enable: (name) => `${name}: activado`,
    disabledJob: 'desactivado',
    jobStarted: (name) => `«${name}» ha empezado.`,
    runStates: {
      queued: 'en cola',
      running: 'en marcha',
      done: 'hecho',
      failed: 'fallido',
      skipped: 'omitido',
    },
  },
};
