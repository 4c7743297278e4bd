/** The parser's worker; where the process says so, a thread that never comes to the end of its loading. */
import { once } from 'node:events';
import { BroadcastChannel, getEnvironmentData } from 'node:worker_threads';

if (getEnvironmentData('loading') === 'stuck') await once(new BroadcastChannel('nobody'), 'message');

export { processGroup, processMail, warmUp } from '../dist/adapters/mail-parse-worker.js';
