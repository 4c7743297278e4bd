# syntax=docker/dockerfile:1
# Images of Mailstream. One file, a target for each process:
#
#   docker build --target email-service   --tag registry.example/mailstream/email-service:0.1.0 .
#   docker build --target workflow-worker --tag registry.example/mailstream/workflow-worker:0.1.0 .
#   docker build --target server          --tag registry.example/mailstream/server:0.1.0 .
#   docker build --target migrate         --tag registry.example/mailstream/migrate:0.1.0 .
#
# The first three with what a hosted operator needs (ee/README.md) are the targets email-service-ee, workflow-worker-ee and server-ee.
#
# What runs is compiled JavaScript and production packages; compilers and tests stay behind in `build`. The root file system may be
# read-only: messages are in /var/lib/mailstream, what is being parsed in /tmp, and nothing else is written.
# Never built by Docker where this was written: there was no engine. Its `npm` lines were run with this Node, and what they made was put
# together as below and run as user 1000 with a read-only root file system, health checks included.
# shared/test/containers.test.ts checks every path, port and version here against the code.

# Debian, not Alpine: prebuilt parts of packages (Argon2) are made and tested for glibc first.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS base
WORKDIR /app
ENV NPM_CONFIG_AUDIT=false NPM_CONFIG_FUND=false NPM_CONFIG_UPDATE_NOTIFIER=false

# Only what `npm ci` reads: changing a source does not install again.
FROM base AS manifests
COPY package.json package-lock.json ./
COPY shared/package.json shared/
COPY migrations/package.json migrations/
COPY services/email-service/package.json services/email-service/
COPY services/workflow-worker/package.json services/workflow-worker/
COPY server/package.json server/
COPY ee/package.json ee/

# Install scripts are off everywhere: every native part comes prebuilt, in a package of its own.
FROM manifests AS build
ENV NX_DAEMON=false NX_TUI=false NX_NO_CLOUD=true
RUN npm ci --ignore-scripts
COPY tsconfig.json nx.json ./
COPY shared shared
COPY migrations migrations
COPY services services
COPY server server
COPY ee ee
RUN npm run build

FROM manifests AS email-service-packages
RUN npm ci --ignore-scripts --omit=dev --workspace=services/email-service

FROM manifests AS workflow-worker-packages
RUN npm ci --ignore-scripts --omit=dev --workspace=services/workflow-worker

FROM manifests AS server-packages
RUN npm ci --ignore-scripts --omit=dev --workspace=server

FROM manifests AS migrate-packages
RUN npm ci --ignore-scripts --omit=dev --workspace=migrations

# For docker-compose.dev.yml: everything, with compilers. Sources are mounted over these.
FROM build AS dev
ENV NODE_ENV=development
RUN mkdir -p /var/lib/mailstream \
  && chown -R 1000:1000 /var/lib/mailstream shared/dist migrations/dist services/email-service/dist services/workflow-worker/dist server/dist ee/dist
USER 1000:1000

FROM base AS runtime
ENV NODE_ENV=production STORAGE_URL=file:///var/lib/mailstream/storage
# An empty volume mounted there takes its owner from this folder.
RUN mkdir -p /var/lib/mailstream && chown 1000:1000 /var/lib/mailstream
# A number: Kubernetes can see that it is not root. It is the user `node` of the base image.
USER 1000:1000

FROM runtime AS email-service
COPY --from=email-service-packages /app ./
COPY --from=build /app/shared/dist shared/dist
COPY --from=build /app/migrations/dist migrations/dist
COPY --from=build /app/services/email-service/dist services/email-service/dist
EXPOSE 8080
# Alive, not ready: an engine that restarts what is unhealthy must not do so because PostgreSQL is away.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 8080}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# V8 makes the space of young objects as small as 1 MiB where little happens. What waits for an answer is then soon taken for old, and
# the whole heap looked through for it. Where much happens it is twice as large in Node 24 as in Node 20, which is 60 MiB more.
# And of helper threads it has four, however few processors there are: 0 is one less than those, and one at least (issue 7).
ENTRYPOINT ["node", "--enable-source-maps", "--min-semi-space-size=16", "--max-semi-space-size=16", "--v8-pool-size=0", "services/email-service/dist/main.js"]

FROM runtime AS workflow-worker
COPY --from=workflow-worker-packages /app ./
COPY --from=build /app/shared/dist shared/dist
COPY --from=build /app/migrations/dist migrations/dist
COPY --from=build /app/services/workflow-worker/dist services/workflow-worker/dist
EXPOSE 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 8081}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--enable-source-maps", "services/workflow-worker/dist/main.js"]

FROM runtime AS server
COPY --from=server-packages /app ./
COPY --from=build /app/shared/dist shared/dist
COPY --from=build /app/migrations/dist migrations/dist
COPY --from=build /app/server/dist server/dist
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--enable-source-maps", "server/dist/main.js"]

# Runs once and ends: nothing to look after.
FROM runtime AS migrate
COPY --from=migrate-packages /app ./
COPY --from=build /app/shared/dist shared/dist
COPY --from=build /app/migrations/dist migrations/dist
HEALTHCHECK NONE
ENTRYPOINT ["node", "--enable-source-maps", "migrations/dist/main.js"]

# The same processes, started by `ee/`.
FROM email-service AS email-service-ee
COPY --from=build /app/ee/dist ee/dist
ENTRYPOINT ["node", "--enable-source-maps", "--min-semi-space-size=16", "--max-semi-space-size=16", "--v8-pool-size=0", "ee/dist/email-service/main.js"]

FROM workflow-worker AS workflow-worker-ee
COPY --from=build /app/ee/dist ee/dist
ENTRYPOINT ["node", "--enable-source-maps", "ee/dist/workflow-worker/main.js"]

FROM server AS server-ee
COPY --from=build /app/ee/dist ee/dist
ENTRYPOINT ["node", "--enable-source-maps", "ee/dist/server/main.js"]
