# lagrl with environment, training, circuits and pictures, on processors only:
#     docker build -t lagrl .
#     docker run --rm -v "$PWD:/data" lagrl solve /data/X-n101-k25.vrp --seconds 20 --out /data/mine.sol
FROM python:3.13-slim
WORKDIR /opt/lagrl
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY lagrl lagrl
COPY envs envs
COPY policies policies
COPY train train
COPY checkpoints checkpoints
RUN pip install --no-cache-dir -c constraints.txt '.[rl,quantum,viz]' \
    && useradd --create-home lagrl \
    && mkdir /data && chown lagrl /data
USER lagrl
# the kernels, once: otherwise every container compiles them again
ENV NUMBA_CACHE_DIR=/home/lagrl/kernels
RUN python -c 'from lagrl.compilation import compile_kernels; compile_kernels()'
WORKDIR /data
ENTRYPOINT ["lagrl"]
CMD ["--help"]
