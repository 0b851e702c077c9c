package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc64"
	"io"
	"log"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// Documents that are inserted at once.
const batchSize = 500

func restore(ctx context.Context, database *mongo.Database, settings settings) error {
	archive, err := settings.open()
	if err != nil {
		return err
	}
	var word uint32
	if err := binary.Read(archive, binary.LittleEndian, &word); err != nil {
		return err
	}
	if word != magic {
		return errors.New("stream or file does not appear to be a mongodump archive")
	}
	collections, err := readPrelude(archive)
	if err != nil {
		return err
	}
	wanted := map[string]collectionMetadata{}
	for _, collection := range collections {
		if settings.excluded[collection.Database+"."+collection.Collection] || collection.Database != database.Name() {
			continue
		}
		wanted[collection.Collection] = collection
		if settings.drop {
			if err := database.Collection(collection.Collection).Drop(ctx); err != nil {
				return err
			}
		}
	}
	count, err := insert(ctx, archive, database, wanted)
	if err != nil {
		return err
	}
	for name, collection := range wanted {
		if err := createIndexes(ctx, database, name, collection.Metadata); err != nil {
			return err
		}
	}
	log.Printf("%d document(s) restored successfully. 0 document(s) failed to restore.", count)
	return nil
}

func readPrelude(archive io.Reader) ([]collectionMetadata, error) {
	if _, _, err := readDocument(archive); err != nil { // the header
		return nil, err
	}
	var collections []collectionMetadata
	for {
		document, isEnd, err := readDocument(archive)
		if err != nil || isEnd {
			return collections, err
		}
		var collection collectionMetadata
		if err := bson.Unmarshal(document, &collection); err != nil {
			return nil, err
		}
		collections = append(collections, collection)
	}
}

// Inserts the documents of all segments. Segments of several collections may alternate.
func insert(
	ctx context.Context, archive io.Reader, database *mongo.Database, wanted map[string]collectionMetadata,
) (int, error) {
	total := 0
	seen := map[string]hash.Hash64{}
	for {
		document, _, err := readDocument(archive)
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		var segment namespaceHeader
		if err := bson.Unmarshal(document, &segment); err != nil {
			return total, err
		}
		checksum := seen[segment.Collection]
		if checksum == nil {
			checksum = crc64.New(checksums)
			seen[segment.Collection] = checksum
		}
		if segment.EOF && int64(checksum.Sum64()) != segment.CRC {
			return total, fmt.Errorf("the checksum of %s does not fit: the archive is broken", segment.Collection)
		}
		_, isWanted := wanted[segment.Collection]
		count, err := insertSegment(ctx, archive, database.Collection(segment.Collection), checksum, isWanted)
		if err != nil {
			return total, err
		}
		total += count
	}
}

func insertSegment(
	ctx context.Context, archive io.Reader, collection *mongo.Collection, checksum io.Writer, isWanted bool,
) (int, error) {
	count := 0
	var batch []any
	flush := func() error {
		if !isWanted || len(batch) == 0 {
			return nil
		}
		_, err := collection.InsertMany(ctx, batch)
		count += len(batch)
		batch = nil
		return err
	}
	for {
		document, isEnd, err := readDocument(archive)
		if err != nil {
			return count, err
		}
		if isEnd {
			return count, flush()
		}
		if _, err := checksum.Write(document); err != nil {
			return count, err
		}
		batch = append(batch, document)
		if len(batch) < batchSize {
			continue
		}
		if err := flush(); err != nil {
			return count, err
		}
	}
}

func createIndexes(ctx context.Context, database *mongo.Database, collection, text string) error {
	var about metadata
	if err := bson.UnmarshalExtJSON([]byte(text), true, &about); err != nil {
		return err
	}
	var indexes bson.A
	for _, index := range about.Indexes {
		var kept bson.D
		isPrimary := false
		for _, field := range index {
			isPrimary = isPrimary || field.Key == "name" && field.Value == "_id_"
			if field.Key != "ns" {
				kept = append(kept, field)
			}
		}
		if !isPrimary {
			indexes = append(indexes, kept)
		}
	}
	if len(indexes) == 0 {
		return nil
	}
	command := bson.D{{Key: "createIndexes", Value: collection}, {Key: "indexes", Value: indexes}}
	return database.RunCommand(ctx, command).Err()
}
