/**
 * The configuration of a Dovecot that any user may run: no second user, no chroot, every path below one folder.
 *
 * Any user name logs in with one password, and mail over LMTP for anyone@anything goes to the mailbox of the local part.
 */

export interface DovecotSettings {
  /** Of sockets and pid file; short: a socket's path has at most 107 bytes. */
  readonly baseDir: string;
  /** Holds one folder per mailbox. */
  readonly mailDir: string;
  readonly userName: string;
  readonly groupName: string;
  readonly uid: number;
  readonly gid: number;
  readonly imapPort: number;
  /** Null without a certificate: then there is no STARTTLS either. */
  readonly tls: { readonly port: number; readonly certificateFile: string; readonly keyFile: string } | null;
  readonly lmtpPort: number;
  readonly password: string;
  /** Where to ask whether an OAuth token is good (RFC 7662), login included; null takes passwords only. */
  readonly introspection: { readonly url: string; readonly file: string } | null;
  /** False for tests: mail is not fsynced. */
  readonly isDurable: boolean;
  /** Open files this process may have (`ulimit -n`): bounds the number of connections. */
  readonly openFiles: number;
}

/** @param version as `dovecot --version` prints it. */
export function dovecotConfig(version: string, settings: DovecotSettings): string {
  return isAtLeast24(version) ? config24(settings) : config23(settings);
}

function isAtLeast24(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 2 || (major === 2 && minor >= 4);
}

function config23(settings: DovecotSettings): string {
  return `
auth_username_format = %Ln
disable_plaintext_auth = no
${shared(settings)}
${
  settings.tls === null
    ? 'ssl = no'
    : `ssl = yes
ssl_cert = <${settings.tls.certificateFile}
ssl_key = <${settings.tls.keyFile}`
}
mail_location = maildir:~/Maildir:LAYOUT=fs
${settings.introspection === null ? '' : oauthPassdb23(settings.introspection)}
passdb {
  driver = static
  args = password=${settings.password}
}
userdb {
  driver = static
  args = uid=${settings.uid} gid=${settings.gid} home=${settings.mailDir}/%Ln allow_all_users=yes
}
${services(settings)}
`;
}

function oauthPassdb23({ file }: { readonly file: string }): string {
  return `
auth_mechanisms = plain login xoauth2 oauthbearer
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = ${file}
}`;
}

/** The file that `introspection.file` names, for 2.3. The token's `sub` is the user; domains are cut off as everywhere here. */
export function oauthConfig(url: string): string {
  return `
introspection_mode = post
introspection_url = ${url}
username_attribute = sub
username_format = %Ln
active_attribute = active
active_value = true
`;
}

/** Written after the 2.4 manual and not tested: Debian 12 and Ubuntu 24.04 carry 2.3. */
function config24(settings: DovecotSettings): string {
  return `
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
auth_username_format = %{user | username | lower}
auth_allow_cleartext = yes
${shared(settings)}
${
  settings.tls === null
    ? 'ssl = no'
    : `ssl = yes
ssl_server_cert_file = ${settings.tls.certificateFile}
ssl_server_key_file = ${settings.tls.keyFile}`
}
mail_driver = maildir
mail_path = ~/Maildir
mailbox_list_layout = fs
mail_home = ${settings.mailDir}/%{user | username | lower}
${
  settings.introspection === null
    ? ''
    : `
auth_mechanisms = plain login xoauth2 oauthbearer
oauth2 {
  introspection_mode = post
  introspection_url = ${settings.introspection.url}
  username_attribute = sub
  username_validation_format = %{user | username | lower}
  active_attribute = active
  active_value = true
}
passdb oauth2 {
  mechanisms_filter = xoauth2 oauthbearer
}`
}
passdb static {
  password = ${settings.password}
}
userdb static {
  allow_all_users = yes
  fields {
    uid = ${settings.uid}
    gid = ${settings.gid}
    home = ${settings.mailDir}/%{user | username | lower}
  }
}
${services(settings)}
`;
}

function shared(settings: DovecotSettings): string {
  return `
base_dir = ${settings.baseDir}
state_dir = ${settings.baseDir}/state
instance_name = mailstream
protocols = imap lmtp
listen = 127.0.0.1
# Standard error: the file that the launcher gave us.
log_path = /dev/stderr
default_internal_user = ${settings.userName}
default_internal_group = ${settings.groupName}
default_login_user = ${settings.userName}
first_valid_uid = ${settings.uid}
first_valid_gid = ${settings.gid}
mail_uid = ${settings.uid}
mail_gid = ${settings.gid}
postmaster_address = postmaster@localhost
hostname = localhost
# A wrong password is answered at once: the tests count attempts, they need no protection from guessing.
auth_failure_delay = 0 secs
mail_max_userip_connections = 0
mail_fsync = ${settings.isDurable ? 'optimized' : 'never'}
# Linux gives a user 128 inotify instances, so from the 129th idle connection on this interval decides, not inotify.
mailbox_idle_check_interval = 2 secs
# Off: a hibernated connection loses its place when it is woken for anything but a change.
imap_hibernate_timeout = 0
namespace inbox {
  inbox = yes
  separator = /
}`;
}

function services(settings: DovecotSettings): string {
  // Every connection costs its login process one file, and twice that with TLS, which stays there.
  const connections = Math.max(200, Math.min(20_000, settings.openFiles - 500));
  return `
default_process_limit = 100
default_client_limit = ${connections + 400}
service imap-login {
  chroot =
  # One process for all logins instead of one for each.
  service_count = 0
  process_min_avail = 1
  process_limit = 2
  client_limit = ${Math.floor(connections / 2)}
  inet_listener imap {
    address = 127.0.0.1
    port = ${settings.imapPort}
  }
  inet_listener imaps {
    address = 127.0.0.1
    port = ${settings.tls?.port ?? 0}
    ssl = ${settings.tls === null ? 'no' : 'yes'}
  }
}
service imap-urlauth-login {
  process_limit = 1
  chroot =
}
service imap {
  process_limit = ${connections}
  vsz_limit = 0
}
service lmtp {
  process_min_avail = 2
  process_limit = 50
  vsz_limit = 0
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${settings.lmtpPort}
  }
}
service anvil {
  chroot =
  # No growing delay for an address after failed logins: here, all clients have one address.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
service auth {
  vsz_limit = 0
}`;
}
