/** One log line for a person at a terminal: time, level, service, message, fields. */
const COLOURS: Readonly<Record<string, string>> = { debug: '2', info: '36', warn: '33', error: '31' };
const HIDDEN = new Set(['time', 'level', 'service', 'message']);

/** Turns a JSON line of the logger into text; what is not JSON goes through unchanged. */
export function prettyLine(line: string): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const level = String(entry['level']);
  const fields = Object.entries(entry)
    .filter(([name]) => !HIDDEN.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const time = String(entry['time']).slice(11, 23);
  const head = `\u001b[2m${time}\u001b[0m \u001b[${COLOURS[level] ?? '0'}m${level.padEnd(5)}\u001b[0m`;
  return `${head} ${String(entry['service'])}: ${String(entry['message'])}${fields.length === 0 ? '' : `  ${fields.join(' ')}`}\n`;
}
