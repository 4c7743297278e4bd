import { useMay } from '../me.ts';

/** A trial shows mails and what became of them: it needs the right to see all of that. */
export function useMayTry(): boolean {
  const may = [useMay('providers:read'), useMay('messages:read'), useMay('tickets:read')];
  return may.every(Boolean);
}
