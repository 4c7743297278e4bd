/** Mail that we send, where it is sent through, and jobs that run by the clock. Not breaking: new tables, new rights of the daemon's role. */
import type { Knex } from 'knex';
import { APP_ROLE, DAEMON_ROLE, distribute, tenantTable } from './sql.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(SMTP_SETTINGS);
  await knex.raw(OUTBOUND_MESSAGES);
  await knex.raw(JOBS);
}

const SMTP_SETTINGS = `
    -- Of one mailbox; without a row it sends nothing. The password is in provider_secrets.
    CREATE TABLE smtp_settings (
      tenant uuid NOT NULL,
      provider_id uuid NOT NULL,
      -- LMTP (RFC 2033) for a mail store in the operator's own network.
      protocol text NOT NULL DEFAULT 'smtp' CHECK (protocol IN ('smtp', 'lmtp')),
      host text NOT NULL CHECK (length(host) BETWEEN 1 AND 255),
      port integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
      security text NOT NULL CHECK (security IN ('tls', 'starttls', 'plain')),
      -- Relaxed only by an operator.
      verify_certificate boolean NOT NULL DEFAULT true,
      -- oauth2 uses the grant of the mailbox itself.
      auth_type text NOT NULL CHECK (auth_type IN ('none', 'password', 'oauth2')),
      username text CHECK (length(username) BETWEEN 1 AND 320),
      from_email text NOT NULL CHECK (length(from_email) BETWEEN 3 AND 320),
      from_name text CHECK (length(from_name) BETWEEN 1 AND 255),
      -- Mail for name+anything@domain reaches the mailbox.
      plus_addressing boolean NOT NULL DEFAULT false,
      max_per_minute integer NOT NULL DEFAULT 60 CHECK (max_per_minute BETWEEN 1 AND 100000),
      acknowledge boolean NOT NULL DEFAULT false,
      -- With {{number}}, {{subject}} and {{name}}; null for the text of ours.
      acknowledge_text text CHECK (length(acknowledge_text) BETWEEN 1 AND 10000),
      -- To one address; what is above it is not sent.
      acknowledge_per_hour integer NOT NULL DEFAULT 1 CHECK (acknowledge_per_hour BETWEEN 1 AND 1000),
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, provider_id),
      FOREIGN KEY (tenant, provider_id) REFERENCES email_providers ON DELETE CASCADE,
      CHECK (auth_type = 'none' OR username IS NOT NULL)
    );
    ${distribute('smtp_settings')}
    ${tenantTable('smtp_settings')}
`;

const OUTBOUND_MESSAGES = `
    -- The truth about every mail we send; the queue in Redis is a copy that can be made again from it.
    CREATE TABLE outbound_messages (
      tenant uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      id uuid NOT NULL,
      provider_id uuid NOT NULL,
      ticket_id uuid NOT NULL,
      comment_id uuid,
      kind text NOT NULL CHECK (kind IN ('acknowledgement', 'agent_reply', 'alert')),
      priority text NOT NULL DEFAULT 'normal' CHECK (priority IN ('urgent', 'high', 'normal', 'low')),
      state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'suppressed', 'bounced')),
      -- What caused it: one cause sends one mail.
      dedupe_key text NOT NULL CHECK (length(dedupe_key) BETWEEN 1 AND 300),
      -- Lower case.
      recipient text NOT NULL CHECK (length(recipient) BETWEEN 3 AND 320),
      subject text NOT NULL,
      body_text text NOT NULL,
      -- Sanitised.
      body_html text,
      -- [{name, contentType, storageKey, size}]
      attachments jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(attachments) = 'array'),
      -- The same at every attempt: a receiver that got the mail already knows it again.
      message_id text NOT NULL,
      in_reply_to text,
      reference_ids text[] NOT NULL DEFAULT '{}',
      attempts integer NOT NULL DEFAULT 0,
      error_code text,
      -- One sentence without the server's own words where they could quote an address.
      error_detail text,
      next_attempt_at timestamptz NOT NULL DEFAULT now(),
      -- Whoever has this id is sending; nobody else may before claimed_until.
      claim_id uuid,
      claimed_until timestamptz,
      -- When a job for it was last put into Redis.
      relayed_at timestamptz,
      sent_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, id),
      FOREIGN KEY (tenant, ticket_id) REFERENCES tickets ON DELETE CASCADE,
      CHECK ((state = 'sending') = (claim_id IS NOT NULL))
    );
    CREATE UNIQUE INDEX outbound_messages_cause ON outbound_messages (tenant, dedupe_key);
    CREATE UNIQUE INDEX outbound_messages_message_id ON outbound_messages (tenant, message_id);
    CREATE INDEX outbound_messages_ticket ON outbound_messages (tenant, ticket_id, created_at);
    CREATE INDEX outbound_messages_time ON outbound_messages (tenant, created_at DESC, id DESC);
    CREATE INDEX outbound_messages_recipient ON outbound_messages (tenant, recipient, created_at) WHERE kind = 'acknowledgement';
    CREATE INDEX outbound_messages_rate ON outbound_messages (tenant, provider_id, sent_at) WHERE sent_at IS NOT NULL;
    CREATE INDEX outbound_messages_open ON outbound_messages (relayed_at NULLS FIRST) WHERE state IN ('queued', 'sending');
    ${distribute('outbound_messages')}
    ${tenantTable('outbound_messages')}

    -- Over all tenants: what there is to send, without content and addresses.
    CREATE POLICY discovery ON outbound_messages FOR SELECT TO ${DAEMON_ROLE} USING (state IN ('queued', 'sending'));
    CREATE POLICY relay ON outbound_messages FOR UPDATE TO ${DAEMON_ROLE}
      USING (state IN ('queued', 'sending')) WITH CHECK (state IN ('queued', 'sending'));
    GRANT SELECT (tenant, id, kind, priority, state, attempts, next_attempt_at, claimed_until, relayed_at, created_at)
      ON outbound_messages TO ${DAEMON_ROLE};
    GRANT UPDATE (relayed_at) ON outbound_messages TO ${DAEMON_ROLE};
`;

const JOBS = `
    -- What runs by the clock, for the whole installation. Rows are made by the workers; operators change schedule and enabled.
    CREATE TABLE jobs (
      name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9-]{0,59}$'),
      schedule text NOT NULL CHECK (length(schedule) BETWEEN 1 AND 200),
      time_zone text NOT NULL DEFAULT 'UTC' CHECK (length(time_zone) BETWEEN 1 AND 60),
      is_enabled boolean NOT NULL DEFAULT true,
      -- Null while it is disabled.
      next_run_at timestamptz,
      updated_at timestamptz NOT NULL DEFAULT now()
    );

    -- One row for each tick or request, whoever runs it and however often that is tried.
    CREATE TABLE job_runs (
      id uuid PRIMARY KEY,
      job text NOT NULL REFERENCES jobs ON DELETE CASCADE,
      cause text NOT NULL CHECK (cause IN ('schedule', 'person')),
      -- The tick, or when it was asked for.
      due_at timestamptz NOT NULL,
      state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed', 'skipped')),
      relayed_at timestamptz,
      claim_id uuid,
      claimed_until timestamptz,
      attempts integer NOT NULL DEFAULT 0,
      started_at timestamptz,
      finished_at timestamptz,
      -- What it did, as counts.
      result jsonb,
      error_code text,
      error_detail text,
      created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE UNIQUE INDEX job_runs_tick ON job_runs (job, due_at) WHERE cause = 'schedule';
    CREATE INDEX job_runs_time ON job_runs (job, created_at DESC);
    CREATE INDEX job_runs_open ON job_runs (created_at) WHERE state IN ('queued', 'running');
    -- No tenant's data is in them; only operators get them shown, which the API checks.
    GRANT SELECT, INSERT, UPDATE, DELETE ON jobs, job_runs TO ${DAEMON_ROLE};
    GRANT SELECT ON jobs, job_runs TO ${APP_ROLE};
    GRANT UPDATE (schedule, time_zone, is_enabled, next_run_at, updated_at) ON jobs TO ${APP_ROLE};
    GRANT INSERT (id, job, cause, due_at) ON job_runs TO ${APP_ROLE};
`;
