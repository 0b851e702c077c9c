// Stands in for mongodump and mongorestore where no package registry carries them. It reads and writes the archive
// format of the real ones, so that either restores what the other has dumped, and takes only the options that the
// operator's backups use.
package main

import (
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"
)

// The options that both programs have.
type settings struct {
	uri      string
	archive  string
	gzip     bool
	drop     bool
	excluded map[string]bool
}

func main() {
	log.SetOutput(os.Stderr)
	if err := run(filepath.Base(os.Args[0]), os.Args[1:]); err != nil {
		log.Fatalf("Failed: %v", err)
	}
}

func run(program string, arguments []string) error {
	settings, err := parse(program, arguments)
	if err != nil {
		return err
	}
	address, err := connstring.ParseAndValidate(settings.uri)
	if err != nil {
		return err
	}
	if address.Database == "" {
		return errors.New("the stand-in needs a database in the URI")
	}
	client, err := mongo.Connect(options.Client().ApplyURI(settings.uri))
	if err != nil {
		return err
	}
	ctx := context.Background()
	defer client.Disconnect(ctx)
	if program == "mongorestore" {
		return restore(ctx, client.Database(address.Database), settings)
	}
	return dump(ctx, client.Database(address.Database), settings)
}

func parse(program string, arguments []string) (settings, error) {
	parsed := settings{excluded: map[string]bool{}}
	flags := flag.NewFlagSet(program, flag.ContinueOnError)
	config := flags.String("config", "", "file with the line: uri: '…'")
	flags.StringVar(&parsed.archive, "archive", "", "file of the dump")
	flags.BoolVar(&parsed.gzip, "gzip", false, "compressed")
	if program == "mongorestore" {
		flags.BoolVar(&parsed.drop, "drop", false, "drop each collection first")
		flags.Func("nsExclude", "database.collection to leave out", func(namespace string) error {
			parsed.excluded[namespace] = true
			return nil
		})
	}
	if err := flags.Parse(arguments); err != nil {
		return parsed, err
	}
	text, err := os.ReadFile(*config)
	if err != nil {
		return parsed, err
	}
	quoted, isURI := strings.CutPrefix(strings.TrimSpace(string(text)), "uri: ")
	if !isURI || len(quoted) < 2 || quoted[0] != '\'' {
		return parsed, fmt.Errorf("%s is not one line uri: '…'", *config)
	}
	parsed.uri = strings.ReplaceAll(quoted[1:len(quoted)-1], "''", "'")
	return parsed, nil
}

func (s settings) create() (io.WriteCloser, error) {
	file, err := os.Create(s.archive)
	if err != nil || !s.gzip {
		return file, err
	}
	return &compressed{gzip.NewWriter(file), file}, nil
}

func (s settings) open() (io.Reader, error) {
	file, err := os.Open(s.archive)
	if err != nil || !s.gzip {
		return file, err
	}
	return gzip.NewReader(file)
}

// A gzip stream that closes the file below it as well.
type compressed struct {
	*gzip.Writer
	file *os.File
}

func (c *compressed) Close() error {
	return errors.Join(c.Writer.Close(), c.file.Close())
}
