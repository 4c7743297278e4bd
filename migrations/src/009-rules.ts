/**
 * Rules of a tenant for incoming mail, how often they matched, and what they did with a mail. Additions only: not breaking for workers
 * that still run the version before, which ask no rules.
 *
 * Counts are kept in the transaction of the effect: a mail that is rolled back, or delivered again, counts as often as it has an
 * effect. A rule that matches every mail would be a row that all of them wait for until the one before has committed; so each rule has
 * some rows (slots), a mail takes one of them at random, and the sum is the count. No row is ever locked before the last step of an effect.
 */
import type { Knex } from 'knex';
import { distribute, tenantTable } from './sql.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- One row per tenant that ever had a rule. Whoever changes rules locks it and gives it a new version: changes come one after the
    -- other, and a worker sees by one value whether the rules that it holds are the ones that count.
    CREATE TABLE email_rule_sets (
      tenant uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      version uuid NOT NULL,
      updated_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant)
    );
    ${distribute('email_rule_sets')}
    ${tenantTable('email_rule_sets')}

    CREATE TABLE email_rules (
      tenant uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      id uuid NOT NULL,
      -- Lower ones are asked first; from 0 without gaps after each change of the order.
      position integer NOT NULL,
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
      is_enabled boolean NOT NULL DEFAULT true,
      is_dry_run boolean NOT NULL DEFAULT false,
      stops_on_match boolean NOT NULL DEFAULT false,
      -- Of one mailbox, or (null) of all.
      provider_id uuid,
      -- shared/src/rules/rule-schema.ts. What does not fit it, as from another version, is shown as broken and passed over.
      conditions jsonb NOT NULL,
      actions jsonb NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, id),
      FOREIGN KEY (tenant, provider_id) REFERENCES email_providers ON DELETE CASCADE
    );
    CREATE INDEX email_rules_order ON email_rules (tenant, position, id);
    CREATE INDEX email_rules_provider ON email_rules (tenant, provider_id) WHERE provider_id IS NOT NULL;
    ${distribute('email_rules')}
    ${tenantTable('email_rules')}

    CREATE TABLE email_rule_counts (
      tenant uuid NOT NULL,
      rule_id uuid NOT NULL,
      slot smallint NOT NULL,
      matches bigint NOT NULL,
      last_matched_at timestamptz NOT NULL,
      PRIMARY KEY (tenant, rule_id, slot),
      FOREIGN KEY (tenant, rule_id) REFERENCES email_rules ON DELETE CASCADE
    ) WITH (fillfactor = 50);
    ${distribute('email_rule_counts')}
    ${tenantTable('email_rule_counts')}

    ALTER TABLE email_processed_messages
      -- Why there is no ticket, where the outcome is 'skipped'.
      ADD COLUMN reason text,
      -- Rules that matched, in their order: [{id, name, isDryRun}], as they were called then.
      ADD COLUMN rules jsonb NOT NULL DEFAULT '[]';
  `);
}
