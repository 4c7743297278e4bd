/** Makes a tenant and its first user, or says that they are here already. Harmless when repeated. */
import { randomUUID } from 'node:crypto';
import { tenantId } from '@mailstream/shared/domain/ids';
import type { PasswordHasher } from '../ports.ts';
import type { KnownUser, TenantStore } from '../ports/tenants.ts';
import { createPasswordLink } from '../use-cases/password-link.ts';
import type { Options } from './options.ts';

export interface Outcome {
  /** False when nothing could be done that was asked for. */
  readonly isDone: boolean;
  /** For the person at the terminal. */
  readonly lines: readonly string[];
}

/** Where the server listens unless told otherwise, for links while nobody has said what people call it. */
const LOCAL_URL = 'http://127.0.0.1:3000';

export async function createTenant(
  options: Options,
  ports: {
    readonly tenants: TenantStore;
    readonly passwords: Pick<PasswordHasher, 'hash'>;
    readonly publicUrl: string | null;
    readonly now: () => Date;
    /** Called only when a password is to be read. */
    readonly readPassword: () => Promise<string>;
  },
): Promise<Outcome> {
  const { tenants, passwords, publicUrl, now } = ports;
  if (options.isNewLink) return anotherLink(options, ports);
  const { name, email, displayName, role } = options;
  const known = await tenants.find(name, email);
  // Before a password is asked for in vain.
  if (known !== null) return { isDone: true, lines: alreadyHere(options, known) };
  const link = options.password === 'link' ? createPasswordLink(now()) : null;
  const passwordHash = link === null ? await passwords.hash(await ports.readPassword()) : null;
  const tenant = tenantId(randomUUID());
  const result = await tenants.create({
    tenant,
    name,
    user: { id: randomUUID(), email, displayName, role, passwordHash },
    link: link?.stored ?? null,
  });
  switch (result.kind) {
    case 'known':
      return { isDone: true, lines: alreadyHere(options, result.user) };
    case 'tooMany':
      return refusal(
        `${email} has accounts in ${result.accounts} tenants already, and a login looks at no more: give another address.`,
      );
    case 'made':
      return {
        isDone: true,
        lines: [
          `Tenant "${name}" is made: ${tenant}`,
          `Its first user is ${email} (${role}).`,
          ...(link === null ? loginLines(publicUrl) : linkLines(link.shown, publicUrl)),
        ],
      };
  }
}

async function anotherLink(
  { name, email }: Options,
  ports: { readonly tenants: TenantStore; readonly publicUrl: string | null; readonly now: () => Date },
): Promise<Outcome> {
  const user = await ports.tenants.find(name, email);
  if (user === null)
    return refusal(`There is no user ${email} in a tenant "${name}": without --new-link both are made.`);
  if (user.state === 'disabled')
    return refusal(`${email} is disabled in tenant "${name}": another administrator must enable it first.`);
  const { shown, stored } = createPasswordLink(ports.now());
  await ports.tenants.putLink(user, stored);
  return {
    isDone: true,
    lines: [`Older links of ${email} have ended.`, ...linkLines(shown, ports.publicUrl)],
  };
}

function refusal(text: string): Outcome {
  return { isDone: false, lines: [text, 'Nothing was changed.'] };
}

function alreadyHere({ name, email, role, password }: Options, user: KnownUser): readonly string[] {
  return [
    `Tenant "${name}" with its user ${email} is here already: ${user.tenant}`,
    `Nothing was changed${password === 'stdin' ? ', the password neither' : ''}.`,
    ...(user.role === role
      ? []
      : [`The user is ${user.role}, not ${role}: change that under Users in the UI.`]),
    ...(user.state === 'invited' ? ['The user has no password yet: --new-link prints another link.'] : []),
    ...(user.state === 'disabled' ? ['The user is disabled: another administrator can enable it.'] : []),
  ];
}

function loginLines(publicUrl: string | null): readonly string[] {
  return [`Log in at ${publicUrl ?? LOCAL_URL}`];
}

function linkLines(
  link: { readonly token: string; readonly expiresAt: string },
  publicUrl: string | null,
): readonly string[] {
  return [
    `The password is set with this link, once, until ${link.expiresAt}. Whoever has it can do so: send it to nobody else.`,
    `  ${publicUrl ?? LOCAL_URL}/password#${link.token}`,
    ...(publicUrl === null
      ? [`  (PUBLIC_URL is not set: put the address of your server in place of ${LOCAL_URL}.)`]
      : []),
  ];
}
