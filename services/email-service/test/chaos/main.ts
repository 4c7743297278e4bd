import { campaign } from './campaign.ts';

process.exitCode = await campaign(process.argv.slice(2), (line) => void process.stdout.write(`${line}\n`));
