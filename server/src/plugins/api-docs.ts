/** OpenAPI at /api/docs/json, readable at /api/docs. Registered before the routes that it lists. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';

const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 150 40" height="40"><text x="0" y="28" fill="#fff" font-family="system-ui, sans-serif" font-size="24" font-weight="700">Mailstream</text></svg>';

export async function registerApiDocs(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Mailstream',
        version,
        description:
          'Mailboxes in, events out. Log in with `POST /api/auth/login` (cookie), or send `Authorization: Bearer <api token>`.',
      },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'An API token.' },
          session: { type: 'apiKey', in: 'cookie', name: 'mailstream_session' },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: (input) => withoutUnusedSchemas(jsonSchemaTransformObject(input)),
  });
  await app.register(swaggerUi, {
    routePrefix: '/api/docs',
    theme: { title: 'Mailstream API' },
    logo: { type: 'image/svg+xml', content: Buffer.from(LOGO) },
    staticCSP: {
      'default-src': "'none'",
      'script-src': "'self'",
      // Swagger UI sets style attributes.
      'style-src': "'self' 'unsafe-inline'",
      'img-src': "'self' data:",
      'connect-src': "'self'",
      'base-uri': "'none'",
      'form-action': "'none'",
      'frame-ancestors': "'none'",
    },
  });
}

type Document = ReturnType<typeof jsonSchemaTransformObject>;

/** Each named schema comes in a form for requests too, which most of ours never are. */
function withoutUnusedSchemas(document: Document): Document {
  if (!('components' in document) || document.components?.schemas === undefined) return document;
  const text = JSON.stringify(document);
  const schemas = Object.entries(document.components.schemas).filter(([name]) =>
    text.includes(`"$ref":"#/components/schemas/${name}"`),
  );
  const components = { ...document.components, schemas: Object.fromEntries(schemas) };
  return { ...document, components } as Document;
}
