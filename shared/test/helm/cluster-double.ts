/** As much of a Kubernetes API server as helm's `lookup` asks: one namespace, with a Secret or without. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ClusterDouble {
  readonly kubeconfig: string;
  /** Values in clear; null for no Secret. */
  setSecret(values: Readonly<Record<string, string>> | null): void;
  close(): Promise<void>;
}

export const NAMESPACE = 'mail';
export const SECRET = 'mailstream';

export async function startClusterDouble(): Promise<ClusterDouble> {
  let secret: Readonly<Record<string, string>> | null = null;
  const object = (kind: string, name: string, rest: object): object => ({
    kind,
    apiVersion: 'v1',
    metadata: { name, namespace: NAMESPACE },
    ...rest,
  });
  const kinds = { secrets: 'Secret', configmaps: 'ConfigMap' };
  const answers: Readonly<Record<string, () => object | null>> = {
    '/api/v1': () => ({
      kind: 'APIResourceList',
      groupVersion: 'v1',
      resources: Object.entries(kinds).map(([name, kind]) => ({
        name,
        kind,
        singularName: '',
        namespaced: true,
        verbs: ['get'],
      })),
    }),
    // Every namespace has this one, since Kubernetes 1.20.
    [`/api/v1/namespaces/${NAMESPACE}/configmaps/kube-root-ca.crt`]: () =>
      object('ConfigMap', 'kube-root-ca.crt', {}),
    [`/api/v1/namespaces/${NAMESPACE}/secrets/${SECRET}`]: () =>
      secret &&
      object('Secret', SECRET, {
        data: Object.fromEntries(
          Object.entries(secret).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
        ),
      }),
  };
  const server = createServer((request, response) => {
    const found = answers[request.url?.split('?')[0] ?? '']?.() ?? null;
    response.writeHead(found === null ? 404 : 200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(
        found ?? { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 },
      ),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    kubeconfig: JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'double', cluster: { server: url } }],
      users: [{ name: 'nobody', user: {} }],
      contexts: [{ name: 'double', context: { cluster: 'double', user: 'nobody' } }],
      'current-context': 'double',
    }),
    setSecret: (values) => {
      secret = values;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
