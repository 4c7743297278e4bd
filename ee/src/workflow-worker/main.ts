/** The process `workflow-worker` with Vault as one more place for secrets. Exit codes: see `runProcess`. */
import { runProcess } from '@mailstream/shared/runtime/lifecycle';

await runProcess({
  name: 'workflow-worker',
  config: async () => {
    const { vaultPlugIn } = await import('../vault/vault-plug-in.ts');
    return (await import('@mailstream/workflow-worker/config')).loadConfig(process.env, [vaultPlugIn]);
  },
  compose: async (config) => (await import('@mailstream/workflow-worker/compose')).compose(config),
});
