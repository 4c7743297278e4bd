import { bench } from './bench.ts';

// Every server and daemon has a listener for the end of this process, so that none is left.
process.setMaxListeners(0);
const code = await bench(process.argv.slice(2), (line) => void process.stdout.write(`${line}\n`));
// Whatever a part that hangs has left ends with this process.
process.exit(code);
