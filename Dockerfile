# For hosts other than Hugging Face: docker build -t ssl-playground . && docker run -p 7860:7860 ssl-playground
FROM python:3.11-slim

# numba compiles into this folder; uploads and the files to take home go to the other.
ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    NUMBA_CACHE_DIR=/home/visitor/numba \
    GRADIO_TEMP_DIR=/home/visitor/uploads \
    GRADIO_ANALYTICS_ENABLED=False

RUN useradd --create-home --uid 1000 visitor
WORKDIR /home/visitor/app

# torch's wheels for CPUs are a tenth of those for GPUs; with a GPU, leave out the extra index.
COPY requirements.txt .
RUN pip install --extra-index-url https://download.pytorch.org/whl/cpu -r requirements.txt

COPY --chown=visitor:visitor app.py README.md LICENSE ./
COPY --chown=visitor:visitor assets/ assets/
COPY --chown=visitor:visitor backends/ backends/
COPY --chown=visitor:visitor playground/ playground/

USER visitor
RUN mkdir -p /home/visitor/numba /home/visitor/uploads
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["python", "-c", "import app, urllib.request as u; u.urlopen(u.Request(f'http://127.0.0.1:{app.hosted_port()}/', method='HEAD'), timeout=8)"]
CMD ["python", "app.py", "--hosted"]
