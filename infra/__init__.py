"""What AWS needs beside the code: schema, templates, the deployment package."""
