// Syntax of this file: whatever an old Node can read, or its users never see the message.

const NEEDED = [20, 19];

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return;
  process.stderr.write(
    'Mailstream needs Node ' +
      NEEDED.join('.') +
      ' or newer; this is Node ' +
      process.versions.node +
      '.\n' +
      'Get a newer one from https://nodejs.org or with your version manager (for example: nvm install 22).\n',
  );
  process.exit(69);
}
