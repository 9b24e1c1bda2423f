# Skewless in a container: no root, no build step, nothing written below /app, so the root file system may be read-only.
#   docker build -t skewless .
#   docker run --rm --read-only -p 8080:8080 -e SKEWLESS_AUTH=none skewless
# Every flag has a variable (--store is SKEWLESS_STORE); arguments are those of the command line.

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image has its own Node: the one from npm is left out.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && rm -rf node_modules/node

FROM node:24-bookworm-slim
ENV NODE_ENV=production SKEWLESS_HOST=0.0.0.0
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY examples ./examples
COPY src ./src
# For the embedded log and store alone; any user may write here, also one given by --user.
RUN mkdir -m 1777 /data
WORKDIR /data
VOLUME /data
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.SKEWLESS_PORT ?? 8080}/livez`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/src/main.ts"]
CMD ["start"]
