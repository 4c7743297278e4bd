/** The process `email-service` with Vault as one more place for secrets. Exit codes: see `runProcess`. */
import { runProcess } from '@mailstream/shared/runtime/lifecycle';

await runProcess({
  name: 'email-service',
  config: async () => {
    const { vaultPlugIn } = await import('../vault/vault-plug-in.ts');
    return (await import('@mailstream/email-service/config')).loadConfig(process.env, [vaultPlugIn]);
  },
  compose: async (config) => (await import('@mailstream/email-service/compose')).compose(config),
});
