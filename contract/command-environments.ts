/**
 * The environment of `mongodb-setup.js`, which creates the replica set and the users of a managed MongoDB. Without
 * `MONGODB_KEY_FILE`, the key file of mongod, it cannot replace lost passwords.
 */
export interface MongoDbSetupEnvironment {
  MONGODB_SETUP_URL: string
  MONGODB_REPLICA_SET: string
  /** `host:port` of the only member. */
  MONGODB_MEMBER_HOST: string
  MONGODB_ADMIN_USERNAME: string
  MONGODB_SECRET_DIRECTORY: string
  MONGODB_KEY_FILE?: string
  DATABASE_NAME: string
}

/**
 * The environment of `rotate-passwords.js`, which changes the passwords of one or both managed databases. `*_ROTATION`
 * is the stage and value that the mounted Secret must have.
 */
export interface RotatePasswordsEnvironment {
  /** Until this time, ISO 8601, a starting database may still read the previous content of the Secret. */
  NOT_BEFORE?: string
  MONGODB_SECRET_DIRECTORY?: string
  MONGODB_ROTATION?: string
  /** `host:port` of the only member. */
  MONGODB_MEMBER?: string
  DATABASE_NAME?: string
  REDIS_SECRET_DIRECTORY?: string
  REDIS_ROTATION?: string
  REDIS_HOST?: string
  REDIS_PORT?: string
}

/** The environment of `smoke-test/main.js`. */
export interface SmokeTestEnvironment {
  /** URL of the colour that receives the traffic. */
  LIVE_URL: string
  /** URL of the colour under test. */
  PREVIEW_URL: string
  /** `SharedState` values, separated by commas: the state that the two colours do not share. */
  COLORS_APART?: string
  /** `true`: new users of the colour under test must add a passkey, which the test cannot. */
  NEEDS_PASSKEY?: 'true'
}
