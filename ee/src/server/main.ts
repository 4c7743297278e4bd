/** The process `server` with Vault as one more place for secrets. Exit codes: see `runProcess`. */
import { runProcess } from '@mailstream/shared/runtime/lifecycle';

await runProcess({
  name: 'server',
  config: async () => {
    const { vaultPlugIn } = await import('../vault/vault-plug-in.ts');
    return (await import('@mailstream/server/config')).readConfig(process.env, [vaultPlugIn]);
  },
  compose: async (config) => (await import('@mailstream/server/compose')).compose(config),
});
