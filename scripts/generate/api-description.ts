import type { ServerEnvironment } from '@authservice-operator/contract/environment.ts'
import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import { buildApp } from '../../api-server/build-app.ts'
import { readConfig } from '../../api-server/config/config.ts'

/** The API description of a server, generated without a database. @param environment overrides of the example */
export async function apiDescription(environment: ServerEnvironment = {}): Promise<OpenApi.Document> {
  const app = await buildApp(readConfig({ ...exampleEnvironment, ...environment }))
  try {
    // The document is version 3.1, as it declares.
    return app.swagger() as OpenApi.Document
  } finally {
    await app.close()
  }
}

/** The server of the examples; there are no databases at its addresses. */
const exampleEnvironment: ServerEnvironment = {
  ENVIRONMENT: 'development',
  LOG_LEVEL: 'fatal',
  MONGODB_URL: 'mongodb://127.0.0.1:1',
  MONGODB_MIN_POOL_SIZE: '0',
  REDIS_PORT: '1',
  BCRYPT_COST: '10',
  JWT_SECRET: 'for the API description only: signs nothing',
  JWT_ISSUER: 'https://auth.example.com',
  MFA_MODE: 'optional',
  MFA_SECRET: 'for the API description only: encrypts nothing',
  WEBAUTHN_RP_ID: 'example.com',
  WEBAUTHN_ORIGINS: 'https://app.example.com',
}
