/** What Linux says of a process: memory and processor time. */
import { readFile } from 'node:fs/promises';

/** `sysconf(_SC_CLK_TCK)`: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** @returns KiB of memory that is resident now */
export function residentKib(pid: number): Promise<number> {
  return statusKib(pid, 'VmRSS');
}

/** @returns the most KiB that were ever resident */
export function peakKib(pid: number): Promise<number> {
  return statusKib(pid, 'VmHWM');
}

async function statusKib(pid: number, field: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1];
  if (kib === undefined) throw new Error(`/proc/${pid}/status has no ${field}: the bench needs Linux`);
  return Number(kib);
}

/** @returns milliseconds of processor time that all its threads have had */
export async function cpuMs(pid: number): Promise<number> {
  return (await ticksOf(pid)) * (1000 / TICKS_PER_SECOND);
}

/** The same with all its children that are there now, as PostgreSQL's connections are. */
export async function treeCpuMs(pid: number): Promise<number> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const children = list.trim().split(/\s+/).filter(Boolean).map(Number);
  const all = await Promise.all([pid, ...children].map((each) => cpuMs(each).catch(() => 0)));
  return all.reduce((sum, ms) => sum + ms, 0);
}

async function ticksOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // After the name, which may hold anything: utime and stime are the 14th and 15th field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
