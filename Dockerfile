# Build: everything, with the workflow bundle prepared.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build

# Run: production dependencies and dist/ only.
FROM node:22-bookworm-slim
# The Temporal SDK's core checks certificates against the system's.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev && npm cache clean --force
COPY --from=build /app/dist ./dist
USER node
# gateway; worker: dist/worker/main.js; set-up before a release: dist/worker/setup.js
CMD ["node", "dist/webhook-gateway/server.js"]
