import { createContext, use } from 'react';
import type { Me, Scope } from '../src/contracts/session.ts';

export const MeContext = createContext<Me | null>(null);

/** Whether the one who is logged in may do this; the server decides again. */
export function useMay(scope: Scope): boolean {
  return use(MeContext)?.scopes.includes(scope) ?? false;
}
