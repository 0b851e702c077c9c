import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import { buildApp } from '../app.ts'
import { readConfig, type ServerEnvironment } from '../config.ts'

/** The API description of a server, made without a database. @param environment what differs from the example */
export async function apiDescription(environment: ServerEnvironment = {}): Promise<OpenApi.Document> {
  const app = await buildApp(readConfig({ ...exampleEnvironment, ...environment }))
  try {
    // The document says 3.1 of itself.
    return app.swagger() as OpenApi.Document
  } finally {
    await app.close()
  }
}

/** The server of the examples; nothing listens where its databases should be. */
const exampleEnvironment: ServerEnvironment = {
  ENVIRONMENT: 'development',
  LOG_LEVEL: 'fatal',
  MONGODB_URL: 'mongodb://127.0.0.1:1',
  MONGODB_MIN_POOL_SIZE: '0',
  REDIS_PORT: '1',
  BCRYPT_COST: '10',
  JWT_SECRET: 'for a description only: it signs nothing',
  JWT_ISSUER: 'https://auth.example.com',
}
