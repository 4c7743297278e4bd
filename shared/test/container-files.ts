/** Dockerfile and docker-compose.dev.yml, read with real parsers, for the tests that hold them against the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DockerfileParser, ModifiableInstruction } from 'dockerfile-ast';
import { parse } from 'yaml';
import { z } from 'zod';

export const ROOT = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

export interface Instruction {
  /** Upper case. */
  readonly keyword: string;
  /** As written after keyword and flags, continuation lines joined. */
  readonly text: string;
  /** `from` → `build` for `--from=build`. */
  readonly flags: ReadonlyMap<string, string>;
}

export interface Stage {
  readonly name: string;
  /** Another stage, or an image with its arguments filled in. */
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

/** In the order of the file. */
export function readStages(): readonly Stage[] {
  const stages: { name: string; from: string; instructions: Instruction[] }[] = [];
  const args = new Map<string, string>();
  for (const instruction of DockerfileParser.parse(read('Dockerfile')).getInstructions()) {
    const keyword = instruction.getKeyword();
    const words = instruction.getArguments().map((argument) => argument.getValue());
    if (keyword === 'ARG' && stages.length === 0) {
      const [name = '', value = ''] = (words[0] ?? '').split('=');
      args.set(name, value);
    } else if (keyword === 'FROM') {
      const from = (words[0] ?? '').replace(/^\$\{(\w+)\}$/, (_, name: string) => args.get(name) ?? '');
      stages.push({ name: words[2] ?? '', from, instructions: [] });
    } else {
      const flags = instruction instanceof ModifiableInstruction ? instruction.getFlags() : [];
      stages.at(-1)?.instructions.push({
        keyword,
        text: words.join(' '),
        flags: new Map(flags.map((flag) => [flag.getName(), flag.getValue() ?? ''])),
      });
    }
  }
  return stages;
}

/** A stage's own instructions after those of the stages it builds on. */
export function wholeStage(name: string, stages: readonly Stage[]): readonly Instruction[] {
  const stage = stages.find((each) => each.name === name);
  return stage === undefined ? [] : [...wholeStage(stage.from, stages), ...stage.instructions];
}

const serviceSchema = z.strictObject({
  image: z.string(),
  build: z.strictObject({ context: z.literal('.'), target: z.string() }).optional(),
  init: z.boolean().optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  ports: z.array(z.string()).optional(),
  volumes: z.array(z.string()).optional(),
  healthcheck: z
    .strictObject({
      test: z.array(z.string()),
      interval: z.string(),
      timeout: z.string(),
      retries: z.number(),
    })
    .optional(),
  depends_on: z
    .record(
      z.string(),
      z.strictObject({ condition: z.enum(['service_healthy', 'service_completed_successfully']) }),
    )
    .optional(),
});
const composeSchema = z.object({
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.null()),
});
export type ComposeFile = z.infer<typeof composeSchema>;

/** With anchors and `<<` resolved. @throws z.ZodError for a key that no test knows. */
export function readCompose(): ComposeFile {
  return composeSchema.parse(parse(read('docker-compose.dev.yml'), { merge: true }));
}

export function readText(path: string): string {
  return read(path);
}
