/** What runs by the clock. Each has a row in `jobs`, where operators change when it runs and whether. */
export interface JobDescription {
  readonly name: JobName;
  /** One sentence for operators. */
  readonly text: string;
  /** Unless an operator has set another one; UTC. */
  readonly schedule: string;
}

export type JobName = 'retention' | 'audit' | 'token-check' | 'storage-cleanup';

export const JOBS: readonly JobDescription[] = [
  {
    name: 'retention',
    text: 'Removes what is not needed any more: expired sessions and reply tokens, old runs of jobs, the text of old sent mails, and the ledger of folders that the mail server has built anew.',
    schedule: '17 3 * * *',
  },
  {
    name: 'audit',
    text: 'Asks for a comparison of every watched folder with the ledger.',
    schedule: '41 2 * * 0',
  },
  {
    name: 'token-check',
    text: 'Renews OAuth tokens that end soon, and marks mailboxes whose permission has ended.',
    schedule: '23 * * * *',
  },
  {
    name: 'storage-cleanup',
    text: 'Removes raw mails and attachments that no message and no ticket refers to any more: set aside after a day, gone after another.',
    schedule: '47 * * * *',
  },
];

export function isJobName(name: string): name is JobName {
  return JOBS.some((job) => job.name === name);
}
