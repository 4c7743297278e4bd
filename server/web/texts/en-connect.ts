/** English: adding a mailbox in steps, logging in with OAuth, older mail. */
export const enConnect = {
  connect: {
    steps: { address: 'Address', login: 'Login', test: 'Test', what: 'Folders' },
    next: 'Continue',
    previous: 'Previous step',
    find: 'Find settings',
    addressHint: 'The settings of its mail server are looked up from it.',
    found: {
      preset: (service: string): string => `${service}: the settings are known.`,
      mx: (service: string): string => `Mail for this domain goes to ${service}.`,
      autoconfig: 'The domain publishes these settings.',
      srv: 'The domain names this server in its DNS.',
      none: 'No settings were found for this address. Enter the mail server by hand.',
    },
    change: 'Change the server',
    chooseSecurity: { tls: 'TLS', starttls: 'STARTTLS', plain: 'no encryption' },
    login: 'Log in',
    loginAgain: 'Log in again',
    loginWith: (service: string): string => `Log in with ${service}`,
    loginHint:
      'You go to the login page of the mail service and come back here. Nothing is saved before you say so.',
    redirect: 'Redirect address to enter in your OAuth application',
    copy: 'Copy',
    copied: 'Copied',
    addresses: 'Addresses and scopes',
    issuer: 'Issuer',
    shared: 'Shared mailbox: opened by an account with another address',
    loggedIn: (account: string): string => `Logged in as ${account}.`,
    loggedInUnknown: 'Logged in.',
    asUser: 'A user logs in',
    asApplication: 'The application itself',
    ownerLater: 'The owner of the mailbox logs in later',
    refreshToken: 'Refresh token, if you have one already',
    testing: 'Testing the connection …',
    testAgain: 'Test again',
    certificate: 'Certificate',
    certificateOf: (name: string, issuer: string, until: string): string =>
      `${name}, issued by ${issuer}, valid until ${until}`,
    idle: 'New mail is noticed at once.',
    noIdle: 'The server does not tell of new mail: it is asked every half minute.',
    pickFolders: 'Folders to watch',
    searchFolders: 'Search folders',
    messages: (count: number): string => (count === 1 ? '1 message' : `${count} messages`),
    foldersCut: 'There are more folders than are listed here.',
    startHint: 'Older mail can be fetched later as well.',
    sessionLost: 'The form was lost on the way. Enter the settings again.',
  },
  reconnect: {
    title: 'This mailbox must be reconnected',
    text: 'No mail is fetched until then. Nothing is lost: it waits in the mailbox.',
    login: 'Reconnect',
    password: 'Enter a new password',
    application: 'Check the application',
    link: 'Send a link to the owner',
    linkTitle: 'Link for the owner of the mailbox',
    linkText: (mailbox: string): string =>
      `Whoever opens this link can log in to ${mailbox}, without an account here. It is good for one login, for a week, and is shown only now. An older link stops working.`,
    linkOpen: 'Make a link',
    done: (account: string): string => `Reconnected as ${account}.`,
    doneUnknown: 'Reconnected.',
    tokenExpires: 'Token until',
    account: 'Logged in as',
  },
  owner: {
    title: 'Connect your mailbox',
    text: (tenant: string, mailbox: string): string =>
      `${tenant} asks to read the mailbox ${mailbox} with Mailstream, so that mail to it becomes tickets.`,
    where: (host: string): string =>
      `You log in at ${host}. Neither ${'Mailstream'} nor anybody else sees your password, and you can take the permission back there at any time.`,
    start: 'Go to the login',
    done: 'Thank you. The mailbox is connected.',
    doneText: 'You can close this page.',
    failed: 'The mailbox is not connected',
    failures: {
      OAUTH_WRONG_ACCOUNT:
        'You logged in with another account than the mailbox’s. Open the link again and choose the right one.',
      OAUTH_DENIED:
        'The login was cancelled, or the permission was not given. Open the link again to try once more.',
      OAUTH_STATE_INVALID:
        'The login took too long, was finished already, or came back in another browser. Start it again.',
      OAUTH_SCOPE_MISSING:
        'Not all that is needed was agreed to. Open the link again and agree to everything.',
      other: 'Open the link again to try once more, or tell whoever sent it to you.',
    },
    missing: 'This address holds no link. Open the whole link that you were sent.',
  },
  resync: {
    action: 'Fetch older mail',
    title: (name: string): string => `Fetch older mail of “${name}”`,
    text: 'Mail from before the start is fetched as well. What is here already is not fetched again.',
    folder: 'Folder',
    allFolders: 'All watched folders',
    from: 'From where',
    last: 'The last messages',
    since: 'Since a day',
    everything: 'Everything',
    count: 'Count first',
    counting: 'Counting …',
    fetch: (count: number): string => (count === 1 ? 'Fetch 1 message' : `Fetch ${count} messages`),
    nothing: 'Nothing is missing from there on.',
    wouldCome: (fetched: number, listed: number): string => {
      const count = fetched === 1 ? '1 message' : `${fetched} messages`;
      return fetched === listed
        ? `${count} would come.`
        : `${count} of ${listed} would come; the others are here.`;
    },
    fetching: 'Fetching …',
    came: (count: number): string =>
      count === 1 ? '1 message was fetched.' : `${count} messages were fetched.`,
    missing: (count: number): string =>
      count === 1 ? '1 message was not handed over.' : `${count} messages were not handed over.`,
  },
};
