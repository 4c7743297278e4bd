import {
  ActionIcon,
  AppShell,
  Burger,
  Divider,
  Group,
  Image,
  NavLink,
  ScrollArea,
  Stack,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactElement, ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import type { Me, Scope } from '../src/contracts/session.ts';
import icon from './icon.svg';
import { MoonIcon, SunIcon } from './icons.tsx';
import { LanguageSwitch } from './language-switch.tsx';
import { LiveContext, useLive } from './live.ts';
import { MeContext } from './me.ts';
import { useLogout } from './queries.ts';
import { texts } from './texts.ts';

interface Page {
  readonly path: string;
  readonly label: string;
  readonly scope: Scope;
}

const MAIN: readonly Page[] = [
  { path: '/mailboxes', label: texts.nav.mailboxes, scope: 'providers:read' },
  { path: '/messages', label: texts.nav.messages, scope: 'messages:read' },
  { path: '/dead-letters', label: texts.nav.deadLetters, scope: 'messages:read' },
  { path: '/tickets', label: texts.nav.tickets, scope: 'tickets:read' },
  { path: '/clients', label: texts.nav.clients, scope: 'tickets:read' },
  { path: '/rules', label: texts.nav.rules, scope: 'providers:read' },
];
const MANAGE: readonly Page[] = [
  { path: '/ticket-defaults', label: texts.ticketDefaults.action, scope: 'providers:write' },
  { path: '/users', label: texts.nav.users, scope: 'accounts:read' },
  { path: '/tokens', label: texts.nav.tokens, scope: 'accounts:read' },
  { path: '/tenant', label: texts.tenant.title, scope: 'accounts:read' },
  { path: '/audit-log', label: texts.nav.audit, scope: 'accounts:read' },
  { path: '/operations', label: texts.nav.operations, scope: 'operator' },
];

export function Layout({ me, children }: { readonly me: Me; readonly children: ReactNode }): ReactElement {
  const [isOpen, menu] = useDisclosure(false);
  const [location] = useLocation();
  const logout = useLogout();
  const isLive = useLive();
  const allowed = (pages: readonly Page[]): readonly Page[] =>
    pages.filter(({ scope }) => me.scopes.includes(scope));
  const managing = allowed(MANAGE);
  const links = (pages: readonly Page[]): ReactElement[] =>
    pages.map(({ path, label }) => (
      <NavLink
        key={path}
        component={Link}
        href={path}
        label={label}
        active={location === path || location.startsWith(`${path}/`)}
        aria-current={location === path ? 'page' : undefined}
        onClick={menu.close}
      />
    ));
  return (
    <MeContext value={me}>
      <LiveContext value={isLive}>
        <a className="skip-link" href="#content">
          {texts.nav.skip}
        </a>
        <AppShell
          header={{ height: 56 }}
          navbar={{ width: 230, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
          padding={{ base: 'sm', sm: 'lg' }}
        >
          <AppShell.Header>
            <Group h="100%" px="md" justify="space-between" wrap="nowrap">
              <Group gap="sm" wrap="nowrap">
                <Burger
                  opened={isOpen}
                  onClick={menu.toggle}
                  hiddenFrom="sm"
                  size="sm"
                  aria-label={texts.nav.menu}
                />
                <Image src={icon} w={28} h={28} alt="" />
                <Text fw={700} size="lg">
                  {texts.product}
                </Text>
              </Group>
              <Group gap="sm" wrap="nowrap">
                <Text size="sm" c="dimmed" className="cut" visibleFrom="xs">
                  {me.tenant.name}
                </Text>
                <LanguageSwitch />
                <ColorSchemeSwitch />
              </Group>
            </Group>
          </AppShell.Header>
          <AppShell.Navbar p="sm" aria-label={texts.nav.main}>
            <AppShell.Section grow component={ScrollArea}>
              {links(allowed(MAIN))}
              {managing.length > 0 && (
                <>
                  <Text size="xs" fw={600} c="dimmed" px="sm" pt="md" pb={4}>
                    {texts.nav.manage}
                  </Text>
                  {links(managing)}
                </>
              )}
            </AppShell.Section>
            <Divider my="sm" />
            <AppShell.Section>
              <Stack gap={2} px="sm" pb="xs">
                <Text size="sm" fw={500} className="cut">
                  {me.name}
                </Text>
                {me.email !== null && (
                  <Text size="xs" c="dimmed" className="cut">
                    {me.email}
                  </Text>
                )}
              </Stack>
              <NavLink component={Link} href="/account" label={texts.nav.account} onClick={menu.close} />
              <NavLink href="/api/docs" target="_blank" rel="noreferrer" label={texts.nav.api} />
              <NavLink component="button" label={texts.nav.logout} onClick={() => logout.mutate()} />
            </AppShell.Section>
          </AppShell.Navbar>
          <AppShell.Main id="content" tabIndex={-1}>
            {children}
          </AppShell.Main>
        </AppShell>
      </LiveContext>
    </MeContext>
  );
}

function ColorSchemeSwitch(): ReactElement {
  const { setColorScheme } = useMantineColorScheme();
  const isDark = useComputedColorScheme('light') === 'dark';
  return (
    <ActionIcon
      variant="default"
      size="lg"
      aria-label={texts.nav.lightOrDark}
      onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
    >
      {isDark ? <SunIcon /> : <MoonIcon />}
    </ActionIcon>
  );
}
