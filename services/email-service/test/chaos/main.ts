import { campaign } from './campaign.ts';

const argv = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

// Compiled apart, because it takes the daemon's sources with it.
const simulation = new URL('../../simulation/dist/test/simulation/command.js', import.meta.url);
type Simulation = { simulationCommand: typeof campaign };

process.exitCode = argv.some((arg) => arg.startsWith('--sim'))
  ? await ((await import(simulation.href)) as Simulation).simulationCommand(argv, say)
  : await campaign(argv, say);
