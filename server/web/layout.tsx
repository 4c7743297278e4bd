import {
  ActionIcon,
  AppShell,
  Burger,
  Divider,
  Group,
  Image,
  NavLink,
  Stack,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactElement, ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import type { Me } from '../src/contracts/session.ts';
import icon from './icon.svg';
import { MoonIcon, SunIcon } from './icons.tsx';
import { LanguageSwitch } from './language-switch.tsx';
import { LiveContext, useLive } from './live.ts';
import { MeContext } from './me.ts';
import { useLogout } from './queries.ts';
import { texts } from './texts.ts';

export function Layout({ me, children }: { readonly me: Me; readonly children: ReactNode }): ReactElement {
  const [isOpen, menu] = useDisclosure(false);
  const [location] = useLocation();
  const logout = useLogout();
  const isLive = useLive();
  const pages = [
    ['/mailboxes', texts.nav.mailboxes, 'providers:read'],
    ['/messages', texts.nav.messages, 'messages:read'],
    ['/tickets', texts.nav.tickets, 'tickets:read'],
  ] as const;
  return (
    <MeContext value={me}>
      <LiveContext value={isLive}>
        <AppShell
          header={{ height: 56 }}
          navbar={{ width: 230, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
          padding="lg"
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
          <AppShell.Navbar p="sm">
            <AppShell.Section grow>
              {pages
                .filter(([, , scope]) => me.scopes.includes(scope))
                .map(([path, label]) => (
                  <NavLink
                    key={path}
                    component={Link}
                    href={path}
                    label={label}
                    active={location.startsWith(path)}
                    onClick={menu.close}
                  />
                ))}
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
              <NavLink href="/api/docs" target="_blank" rel="noreferrer" label={texts.nav.api} />
              <NavLink component="button" label={texts.nav.logout} onClick={() => logout.mutate()} />
            </AppShell.Section>
          </AppShell.Navbar>
          <AppShell.Main>{children}</AppShell.Main>
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
