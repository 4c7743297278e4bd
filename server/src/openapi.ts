/** The API's description without a database or a network: for the golden copy `openapi.json` and its test. */
import { buildApp, type AppPorts } from './app.ts';
import { VERSION } from './version.ts';

/** @returns the OpenAPI 3.1 document as it is served at /api/docs/json. */
export async function openApiDocument(): Promise<unknown> {
  const app = await buildApp(portsThatAreNeverUsed(), {
    publicOrigin: null,
    trustedProxies: [],
    sessionTtlMs: 1,
    limits: { loginsPerMinute: 1, testsPerMinute: 1 },
    webRoot: null,
    version: VERSION,
    jobBoard: null,
    limitsRedis: null,
  });
  try {
    return app.swagger();
  } finally {
    await app.close();
  }
}

/** The golden copy's text. */
export async function openApiText(): Promise<string> {
  return `${JSON.stringify(await openApiDocument(), null, 2)}\n`;
}

/** Registering routes touches no port; whoever calls one here has found a mistake. */
function portsThatAreNeverUsed(): AppPorts {
  const refuse = (): never => {
    throw new Error('a port was used while describing the API');
  };
  return new Proxy({}, { get: () => new Proxy(refuse, { get: () => refuse }) }) as AppPorts;
}
